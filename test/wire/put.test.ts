import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ended, run, start } from '../support/command.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { type CountingProxy, type Passed, startProxy } from '../support/proxy.ts'

// `mediaward put` through a proxy that counts, and does to the connection what networks do.

let clinic: RunningGate
let proxy: CountingProxy
let bearer: string
let owner: string

beforeAll(async () => {
  clinic = await startGate()
  proxy = await startProxy(clinic.url)
  owner = 'patient-042'
  bearer = (await run(['token', '--sub', owner, '--data', clinic.data])).stdout.trim()
})
afterAll(async () => {
  await proxy.stop()
  await clinic.stop()
})

const temporary = () => mkdtempSync(join(tmpdir(), 'mediaward-'))
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const journals = () => {
  const folder = join(clinic.data, 'uploads')
  return existsSync(folder) ? readdirSync(folder) : []
}

/** A folder with an HLS set: its names are such that their order is not that in which they may be stored. */
function hlsSet(segments = 24): string {
  const folder = temporary()
  mkdirSync(join(folder, 'video'))
  const names = Array.from({ length: segments }, (_, i) => `segment-${String(i).padStart(3, '0')}.m4s`)
  for (const name of names) writeFileSync(join(folder, 'video', name), randomBytes(50_000))
  writeFileSync(join(folder, 'video', 'init.mp4'), randomBytes(900))
  const media = ['#EXTM3U', '#EXT-X-TARGETDURATION:4', ...names.flatMap(name => ['#EXTINF:4,', name])]
  writeFileSync(join(folder, 'video', 'a-list'), media.join('\n'))
  writeFileSync(join(folder, 'video', 'list.m3u8'), media.join('\n'))
  writeFileSync(join(folder, 'a-master'), '\ufeff#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nvideo/a-list\n')
  writeFileSync(join(folder, 'manifest'), '<?xml version="1.0"?>\n<MPD></MPD>')
  return folder
}

/** Runs a command against the proxy, which forgets what came by before. */
async function through<T>(
  meddle: CountingProxy['meddle'],
  work: (args: readonly string[]) => Promise<T>,
): Promise<T> {
  proxy.passed.length = 0
  proxy.meddle = meddle
  return work(['--owner', owner, '--url', proxy.url, '--data', clinic.data])
}
const untouched = () => undefined
const play = (path: string) =>
  fetch(`${clinic.url}/recordings/${path}`, { headers: { Authorization: `Bearer ${bearer}` } })

async function expectStored(id: string, folder: string): Promise<void> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
  for (const file of files.filter(entry => entry.isFile())) {
    const path = join(file.parentPath, file.name)
    const response = await play(`${id}/${path.slice(folder.length + 1)}`)
    expect(response.status, path).toBe(200)
    expect(sha(new Uint8Array(await response.arrayBuffer())), path).toBe(sha(readFileSync(path)))
  }
}
const stored = () => proxy.passed.filter(({ status }) => status >= 200 && status < 300)
const isPlaylist = ({ path }: Passed) => /list|manifest/.test(path)
const isMaster = ({ path }: Passed) => path.includes('master')

describe('a folder', () => {
  test('goes in parallel, playlists after media and the master last, each with its type', async () => {
    const folder = hlsSet()
    const ended = await through(untouched, args => run(['put', 'set', folder, '--json', ...args]))
    expect(ended.code, ended.stderr).toBe(0)
    const { seconds, ...told } = JSON.parse(ended.stdout) as { seconds: number }
    expect(told).toEqual({ recording: 'set', owner, files: 29, bytes: expect.any(Number), skipped: 0 })
    expect(seconds).toBeGreaterThan(0)
    expect(ended.stdout.trim().split('\n')).toHaveLength(1)
    await expectStored('set', folder)

    const { passed } = proxy
    expect(passed).toHaveLength(29)
    expect(Math.max(...passed.map(({ atOnce }) => atOnce))).toBe(4)
    const last = (group: readonly Passed[]) => Math.max(...group.map(({ answered }) => answered))
    const first = (group: readonly Passed[]) => Math.min(...group.map(({ began }) => began))
    const masters = passed.filter(isMaster)
    const playlists = passed.filter(isPlaylist)
    const media = passed.filter(entry => !isPlaylist(entry) && !isMaster(entry))
    expect([media.length, playlists.length, masters.length]).toEqual([25, 3, 1])
    expect(first(playlists)).toBeGreaterThanOrEqual(last(media))
    expect(first(masters)).toBeGreaterThanOrEqual(last(playlists))

    const typeOf = async (part: string) => (await play(`set/${part}`)).headers.get('content-type')
    expect(await typeOf('a-master')).toBe('application/vnd.apple.mpegurl')
    expect(await typeOf('video/a-list')).toBe('application/vnd.apple.mpegurl')
    expect(await typeOf('manifest')).toBe('application/dash+xml')
    expect(await typeOf('video/segment-001.m4s')).toBe('video/mp4')
    expect(journals()).toEqual([])
  })

  test('goes as wide as it is told', async () => {
    const folder = hlsSet()
    const wide = await through(untouched, args => run(['put', 'wide', folder, '--parallel', '9', ...args]))
    expect(wide.code).toBe(0)
    expect(Math.max(...proxy.passed.map(({ atOnce }) => atOnce))).toBe(9)
    await through(untouched, args => run(['put', 'narrow', folder, '--parallel', '1', ...args]))
    expect(Math.max(...proxy.passed.map(({ atOnce }) => atOnce))).toBe(1)
  })

  test('of somebody else is refused once, before the rest is sent', async () => {
    const folder = hlsSet()
    await through(untouched, args => run(['put', 'theirs', folder, ...args]))
    const ended = await through(untouched, args =>
      run(['put', 'theirs', folder, ...args, '--owner', 'patient-043']),
    )
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/was not stored: 409 Conflict: This recording is bound to another owner/)
    expect(ended.stderr).not.toContain('run the same command again')
    expect(proxy.passed).toHaveLength(1)
  })

  test('arrives over a connection that breaks again and again', async () => {
    const folder = hlsSet()
    let count = 0
    const ended = await through(
      () => (++count % 5 === 0 ? (count % 2 === 0 ? 'break' : 'lose') : undefined),
      args => run(['put', 'broken', folder, ...args]),
    )
    expect(ended.code, ended.stderr).toBe(0)
    expect(proxy.passed.filter(({ status }) => status === 0).length).toBeGreaterThan(4)
    await expectStored('broken', folder)
  })
})

/** Kills a put when so many requests were answered; resolves when it has ended. */
async function endAfter(
  signal: 'SIGKILL' | 'SIGINT' | 'SIGTERM',
  count: number,
  args: readonly string[],
): Promise<Ended> {
  const { child, ended } = start(args)
  while (stored().length < count && child.exitCode === null) {
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  child.kill(signal)
  return ended
}
/** So that there is a middle to be ended in. */
const slowly = async (): Promise<undefined> => {
  await new Promise(resolve => setTimeout(resolve, 30))
}

describe('a put that was ended goes on where it was', () => {
  test('after SIGKILL, at any moment', async () => {
    for (const [run_, count] of [3, 9, 17, 26].entries()) {
      const id = `killed-${run_}`
      const folder = hlsSet()
      const killed = await through(slowly, args => endAfter('SIGKILL', count, ['put', id, folder, ...args]))
      expect(killed.code).toBe(-1)
      const before = stored().length
      expect(journals().filter(name => name.endsWith('.json'))).toHaveLength(1)

      const again = await through(untouched, args => run(['put', id, folder, '--json', ...args]))
      expect(again.code, again.stderr).toBe(0)
      // What was answered in its last moments it could not note any more: no more than are sent at once.
      expect(proxy.passed.length).toBeLessThanOrEqual(29 - before + 4)
      expect(JSON.parse(again.stdout)).toMatchObject({ files: 29, skipped: 29 - proxy.passed.length })
      await expectStored(id, folder)
      expect(journals()).toEqual([])
    }
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('after %s, which it says in words', async (signal, code) => {
    const folder = hlsSet()
    const id = `ended-${code}`
    const ended = await through(slowly, args => endAfter(signal, 8, ['put', id, folder, ...args]))
    expect(ended).toMatchObject({ code, stdout: '' })
    const told = /(\d+) of 29 files are stored: run the same command again, and the rest is sent\n/.exec(
      ended.stderr,
    )
    expect(ended.stderr).toMatch(/\nmediaward: interrupted\n$/)
    const again = await through(untouched, args => run(['put', id, folder, '--json', ...args]))
    expect(JSON.parse(again.stdout).skipped).toBe(Number(told?.[1]))
    expect(proxy.passed).toHaveLength(29 - Number(told?.[1]))
    await expectStored(id, folder)
  })

  test('with what changed since; all of it with --anew', async () => {
    const folder = hlsSet()
    const interrupt = (id: string) =>
      through(slowly, args => endAfter('SIGINT', 8, ['put', id, folder, ...args]))
    const paths = () => proxy.passed.map(({ path }) => path)
    await interrupt('changed')
    const [first = ''] = stored().map(({ path }) => path)
    const name = first.replace('/recordings/changed/', '')
    expect(name).toBe('video/init.mp4')
    writeFileSync(join(folder, name), randomBytes(900))
    // Written again, and yet the same.
    const second = join(folder, 'video', 'segment-000.m4s')
    writeFileSync(second, readFileSync(second))
    await through(untouched, args => run(['put', 'changed', folder, ...args]))
    expect(paths()).toContain('/recordings/changed/video/init.mp4')
    expect(paths()).not.toContain('/recordings/changed/video/segment-000.m4s')
    expect(paths().length).toBeLessThan(29)
    await expectStored('changed', folder)

    await interrupt('anew')
    await through(untouched, args => run(['put', 'anew', folder, '--anew', ...args]))
    expect(proxy.passed).toHaveLength(29)
  })
})
