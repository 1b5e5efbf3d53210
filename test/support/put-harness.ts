import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { type Ended, run, start } from './command.ts'
import { type RunningGate, startGate } from './gate.ts'
import { type CountingProxy, type Passed, startProxy } from './proxy.ts'

/** Whose recordings are stored. */
export const OWNER = 'patient-042'

/** A gate, and a proxy in front of it, for the tests of a file. */
export interface Desk {
  readonly clinic: RunningGate
  readonly proxy: CountingProxy
  /** A token of the owner. */
  readonly bearer: string
  /** Runs a command against the proxy, which forgets what came by before. */
  through<T>(meddle: CountingProxy['meddle'], work: (args: readonly string[]) => Promise<T>): Promise<T>
  /** Ends a command by a signal when so many requests were answered; resolves when it has ended. */
  endAfter(signal: NodeJS.Signals, count: number, args: readonly string[]): Promise<Ended>
  /** What came by and was taken. */
  stored(): Passed[]
  /** Asks for a recording as its owner. */
  play(path: string): Promise<Response>
  expectStored(id: string, folder: string): Promise<void>
  /** The journals that are kept. */
  journals(): readonly string[]
}

/** Opens a desk before the tests of a file, and closes it after them. */
export function desk(): Desk {
  let clinic: RunningGate
  let proxy: CountingProxy
  let bearer: string
  beforeAll(async () => {
    clinic = await startGate()
    proxy = await startProxy(clinic.url)
    bearer = (await run(['token', '--sub', OWNER, '--data', clinic.data])).stdout.trim()
  })
  afterAll(async () => {
    await proxy.stop()
    await clinic.stop()
  })
  const stored = () => proxy.passed.filter(({ status }) => status >= 200 && status < 300)
  const play = (path: string) =>
    fetch(`${clinic.url}/recordings/${path}`, { headers: { Authorization: `Bearer ${bearer}` } })
  return {
    get clinic() {
      return clinic
    },
    get proxy() {
      return proxy
    },
    get bearer() {
      return bearer
    },
    through: (meddle, work) => {
      proxy.passed.length = 0
      proxy.meddle = meddle
      return work(['--owner', OWNER, '--url', proxy.url, '--data', clinic.data])
    },
    endAfter: async (signal, count, args) => {
      const { child, ended } = start(args)
      while (stored().length < count && child.exitCode === null) {
        await new Promise(resolve => setTimeout(resolve, 2))
      }
      child.kill(signal)
      return ended
    },
    stored,
    play,
    expectStored: async (id, folder) => {
      const files = readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
      for (const { parentPath, name } of files.filter(entry => entry.isFile())) {
        const path = join(parentPath, name)
        const response = await play(`${id}/${path.slice(folder.length + 1)}`)
        expect(response.status, path).toBe(200)
        // A playlist is sent without its byte order mark.
        const file = readFileSync(path)
        const sent = file.toString('utf8', 0, 3) === '\ufeff' ? file.subarray(3) : file
        expect(sha(new Uint8Array(await response.arrayBuffer())), path).toBe(sha(sent))
      }
    },
    journals: () => {
      const folder = join(clinic.data, 'uploads')
      return existsSync(folder) ? readdirSync(folder) : []
    },
  }
}

export const temporary = (): string => mkdtempSync(join(tmpdir(), 'mediaward-'))
export const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Lets everything pass. */
export const untouched = (): undefined => undefined
/** So that there is a middle, and many are on their way in it. */
export const slowly = async (): Promise<undefined> => {
  await new Promise(resolve => setTimeout(resolve, 30))
}

/** A folder with an HLS set: its names are such that their order is not that in which they may be stored. */
export function hlsSet(segments = 24): string {
  const folder = temporary()
  mkdirSync(join(folder, 'video'))
  const names = Array.from({ length: segments }, (_, i) => `segment-${String(i).padStart(3, '0')}.m4s`)
  for (const name of names) writeFileSync(join(folder, 'video', name), randomBytes(50_000))
  writeFileSync(join(folder, 'video', 'init.mp4'), randomBytes(900))
  const media = ['#EXTM3U', '#EXT-X-TARGETDURATION:4', ...names.flatMap(name => ['#EXTINF:4,', name])]
  writeFileSync(join(folder, 'video', 'a-list'), media.join('\n'))
  writeFileSync(join(folder, 'video', 'list.m3u8'), media.join('\n'))
  writeFileSync(join(folder, 'a-master'), '\ufeff#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nvideo/list.m3u8\n')
  writeFileSync(join(folder, 'manifest'), '<?xml version="1.0"?>\n<MPD></MPD>')
  return folder
}

/** Whether what came by is a playlist of {@link hlsSet}. */
export const isPlaylist = ({ path }: Passed): boolean => /list|manifest/.test(path)
export const isMaster = ({ path }: Passed): boolean => path.includes('master')
