import { createHash, randomBytes } from 'node:crypto'
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
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
/** So that there is a middle, and many are on their way in it. */
const slowly = async (): Promise<undefined> => {
  await new Promise(resolve => setTimeout(resolve, 30))
}
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
    const ended = await through(slowly, args => run(['put', 'set', folder, '--json', ...args]))
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
    const wide = await through(slowly, args => run(['put', 'wide', folder, '--parallel', '16', ...args]))
    expect(wide.code).toBe(0)
    expect(wide.stderr).not.toContain('Warning')
    expect(Math.max(...proxy.passed.map(({ atOnce }) => atOnce))).toBe(16)
    await through(slowly, args => run(['put', 'narrow', folder, '--parallel', '1', ...args]))
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
    const told =
      /(\d+) of 29 files are stored, [\d.]+ of 1\.1 MiB: run the same command again, and the rest is sent\n/.exec(
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

const MIB = 1024 * 1024
/** Just over what goes in one request: four pieces of 8 MiB, and a last one of 7 bytes. */
const LARGE = 32 * MIB + 7

function largeFile(): string {
  const path = join(temporary(), 'video.mp4')
  writeFileSync(path, randomBytes(LARGE))
  return path
}
const isPiece = ({ headers }: Passed) => headers['content-range'] !== undefined
const pieces = () => proxy.passed.filter(isPiece)
const begun = () => proxy.passed.filter(({ headers }) => headers['mediaward-upload-size'] !== undefined)
const uploads = () => new Set(pieces().map(({ headers }) => headers['mediaward-upload']))

async function expectPlayed(id: string, path: string): Promise<void> {
  const response = await play(id)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('video/mp4')
  expect(sha(new Uint8Array(await response.arrayBuffer()))).toBe(sha(readFileSync(path)))
}
async function giveUp({ path, headers }: Passed): Promise<void> {
  const { authorization = '', 'mediaward-owner': of, 'mediaward-upload': upload } = headers
  const response = await fetch(`${clinic.url}${path}/upload`, {
    method: 'DELETE',
    headers: { authorization, 'mediaward-owner': String(of), 'mediaward-upload': String(upload) },
  })
  expect(response.status).toBe(204)
}

describe('a large file', () => {
  test('goes in pieces, side by side, and is seen when all of it is there', async () => {
    const path = largeFile()
    const seen: number[] = []
    const look = async (): Promise<undefined> => {
      seen.push((await play('large')).status)
      await slowly()
    }
    const ended = await through(look, args => run(['put', 'large', path, '--json', ...args]))
    expect(ended.code, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject({ files: 1, bytes: LARGE, skipped: 0 })
    await expectPlayed('large', path)
    expect(seen).toEqual(proxy.passed.map(() => 404))
    expect(pieces().map(({ bytes }) => bytes)).toEqual([8 * MIB, 8 * MIB, 8 * MIB, 8 * MIB, 7])
    expect(Math.max(...pieces().map(({ atOnce }) => atOnce))).toBe(4)
    expect(proxy.passed).toHaveLength(7)
    expect(journals()).toEqual([])
  })

  test('is whole before a playlist that names it begins', async () => {
    const path = largeFile()
    const folder = join(path, '..')
    writeFileSync(join(folder, 'list'), '#EXTM3U\n#EXTINF:4,\nvideo.mp4\n')
    const ended = await through(untouched, args => run(['put', 'film', folder, ...args]))
    expect(ended.code, ended.stderr).toBe(0)
    const list = proxy.passed.find(isPlaylist)
    const others = proxy.passed.filter(entry => entry !== list)
    expect(list?.began).toBeGreaterThanOrEqual(Math.max(...others.map(({ answered }) => answered)))
    await expectStored('film', folder)
  })

  test('that was killed goes on with the pieces that are missing', async () => {
    const path = largeFile()
    const put = ['put', 'piece-by-piece', path, '--parallel', '1']
    const killed = await through(slowly, args => endAfter('SIGKILL', 3, [...put, ...args]))
    expect(killed.code).toBe(-1)
    const first = pieces().filter(({ status }) => status === 200)
    const [upload] = uploads()
    const again = await through(untouched, args => run([...put, ...args]))
    expect(again.code, again.stderr).toBe(0)
    expect(begun()).toHaveLength(0)
    expect([...uploads()]).toEqual([upload])
    expect(pieces().length).toBeGreaterThanOrEqual(5 - first.length)
    expect(pieces().length).toBeLessThanOrEqual(5 - first.length + 1)
    await expectPlayed('piece-by-piece', path)
    expect(journals()).toEqual([])
  })

  test('that was killed before its first piece was answered is begun once', async () => {
    const path = largeFile()
    const put = ['put', 'early', path]
    const hold = async (entry: Passed): Promise<undefined> => {
      if (isPiece(entry)) await new Promise(resolve => setTimeout(resolve, 1000))
    }
    await through(hold, async args => {
      const { child, ended } = start([...put, ...args])
      while (pieces().length === 0) await new Promise(resolve => setTimeout(resolve, 2))
      child.kill('SIGKILL')
      await ended
    })
    const [upload] = uploads()
    const again = await through(untouched, args => run([...put, ...args]))
    expect(again.code, again.stderr).toBe(0)
    expect(begun()).toHaveLength(0)
    expect([...uploads()]).toEqual([upload])
    await expectPlayed('early', path)
  })

  test('that was stored is not sent again with what comes after it', async () => {
    const path = largeFile()
    const folder = join(path, '..')
    writeFileSync(join(folder, 'list'), '#EXTM3U\n#EXTINF:4,\nvideo.mp4\n')
    const hold = async (entry: Passed): Promise<undefined> => {
      if (isPlaylist(entry)) await new Promise(resolve => setTimeout(resolve, 1000))
    }
    await through(hold, async args => {
      const { child, ended } = start(['put', 'stored', folder, ...args])
      while (!proxy.passed.some(isPlaylist)) await new Promise(resolve => setTimeout(resolve, 2))
      child.kill('SIGKILL')
      await ended
    })
    const again = await through(untouched, args => run(['put', 'stored', folder, '--json', ...args]))
    expect(JSON.parse(again.stdout)).toMatchObject({ files: 2, skipped: 1 })
    expect(proxy.passed.map(({ path: at }) => at)).toEqual(['/recordings/stored/list'])
    await expectStored('stored', folder)
  })

  test('that was killed and has changed is begun anew, and what was begun is given up', async () => {
    const path = largeFile()
    const put = ['put', 'other-by-now', path]
    await through(slowly, args => endAfter('SIGKILL', 3, [...put, ...args]))
    writeFileSync(path, randomBytes(LARGE))
    const again = await through(untouched, args => run([...put, ...args]))
    expect(again.code, again.stderr).toBe(0)
    expect(proxy.passed[0]).toMatchObject({ method: 'DELETE', status: 204 })
    expect(pieces()).toHaveLength(5)
    await expectPlayed('other-by-now', path)
  })

  test('whose upload the gate no longer knows is begun anew, once', async () => {
    const path = largeFile()
    let gone = false
    const once = async (entry: Passed): Promise<undefined> => {
      if (gone || !isPiece(entry)) return
      gone = true
      await giveUp(entry)
    }
    const ended = await through(once, args => run(['put', 'swept', path, ...args]))
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stderr).toContain('the upload that was begun is gone: sending it anew')
    expect(begun()).toHaveLength(2)
    await expectPlayed('swept', path)

    const always = async (entry: Passed): Promise<undefined> => {
      if (isPiece(entry)) await giveUp(entry)
    }
    const never = await through(always, args => run(['put', 'swept-again', path, ...args]))
    expect(never.code).toBe(1)
    expect(never.stderr).toMatch(/was not stored: 409 Conflict: There is no such upload/)
    expect(begun()).toHaveLength(2)
  })

  test.each([
    ['while it is read', 3],
    ['when all of it was read', 5],
  ])('that changes %s is not stored, and says so', async (_, when) => {
    const path = largeFile()
    const id = `growing-${when}`
    let count = 0
    const change = (entry: Passed): undefined => {
      if (isPiece(entry) && ++count === when) appendFileSync(path, 'more')
    }
    const ended = await through(change, args => run(['put', id, path, '--parallel', '1', ...args]))
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/video\.mp4 changed while it was read: wait until nothing writes to it/)
    expect(proxy.passed.at(-1)).toMatchObject({ method: 'DELETE', status: 204 })
    expect(proxy.passed.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect((await play(id)).status).toBe(404)
    const again = await through(untouched, args => run(['put', id, path, ...args]))
    expect(again.code, again.stderr).toBe(0)
    await expectPlayed(id, path)
  })

  test('arrives where answers are lost', async () => {
    const path = largeFile()
    const lost = new Set<string>()
    const ended = await through(
      ({ method, path: at, headers }) => {
        const name = [method, at, headers['mediaward-upload-size'], headers['content-range']].join(' ')
        return lost.has(name) ? undefined : lost.add(name) && 'lose'
      },
      args => run(['put', 'lost', path, ...args]),
    )
    expect(ended.code, ended.stderr).toBe(0)
    await expectPlayed('lost', path)
    // Each piece twice, as each answer to one was lost; and no third time, as the last answer was.
    expect(pieces()).toHaveLength(10)
  })

  test.each([
    ['nothing was there', false],
    ['an earlier version was there', true],
  ])('that was killed when it was complete, and %s', async (_, earlier) => {
    const path = largeFile()
    const id = `complete-${earlier}`
    if (earlier) await through(untouched, args => run(['put', id, 'package.json', ...args]))
    let complete = false
    const lose = ({ path: at, headers }: Passed) => {
      if (!at.endsWith('/upload') || headers['mediaward-upload'] === undefined) return undefined
      complete = true
      return 'lose' as const
    }
    await through(lose, async args => {
      const { child, ended } = start(['put', id, path, ...args])
      while (!complete) await new Promise(resolve => setTimeout(resolve, 5))
      // Not before the gate has it.
      await new Promise(resolve => setTimeout(resolve, 1500))
      child.kill('SIGKILL')
      await ended
    })
    const again = await through(untouched, args => run(['put', id, path, ...args]))
    expect(again.code, again.stderr).toBe(0)
    // What of the two is there can't be told where there was one before: it is sent again.
    expect(pieces()).toHaveLength(earlier ? 5 : 0)
    await expectPlayed(id, path)
  })

  test('costs no more memory than a small one', async () => {
    const large = join(temporary(), 'video.mp4')
    const file = openSync(large, 'w')
    for (let i = 0; i < 30; i++) writeSync(file, randomBytes(10 * MIB))
    closeSync(file)
    const small = join(temporary(), 'video.mp4')
    writeFileSync(small, randomBytes(MIB))
    const peakOf = async (id: string, path: string) => {
      const { child, ended } = start([
        'put',
        id,
        path,
        '--owner',
        owner,
        '--url',
        clinic.url,
        '--data',
        clinic.data,
      ])
      let peak = 0
      while (child.exitCode === null) {
        const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '')
        peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024)
        await new Promise(resolve => setTimeout(resolve, 20))
      }
      const { code, stderr } = await ended
      expect(code, stderr).toBe(0)
      return peak
    }
    const [usual, most] = [await peakOf('small', small), await peakOf('huge', large)]
    expect(usual).toBeGreaterThan(20)
    expect(most - usual).toBeLessThan(120)
  })
})

test.each([
  ['a whole part', 1],
  ['the beginning of pieces', LARGE],
])('what answers anything and is no gate has stored nothing: %s', async (_, size) => {
  const path = join(temporary(), 'video.mp4')
  writeFileSync(path, Buffer.alloc(size))
  const portal = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end('<h1>Welcome to our network</h1>'))
  })
  await new Promise<void>(resolve => portal.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(portal.address() as AddressInfo).port}`
  const ended = await run(['put', 'portal', path, '--owner', owner, '--url', url, '--data', clinic.data])
  portal.close()
  expect(ended).toMatchObject({ code: 1, stdout: '' })
  expect(ended.stderr).toContain(`video.mp4 was not stored: what answers at ${url} is no gate`)
})

test('a refusal is heard though it came before all bytes were sent', async () => {
  const path = join(temporary(), 'video.mp4')
  writeFileSync(path, randomBytes(32 * MIB))
  for (let i = 0; i < 3; i++) {
    const args = ['put', 'refused', path, '--owner', owner, '--url', clinic.url, '--data', clinic.data]
    const ended = await run([...args, '--token', 'none'])
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/^mediaward: error: .*video\.mp4 was not stored: 401 .*: get a new token/)
    const patient = await run([...args, '--token', bearer])
    expect(patient.stderr).toMatch(/^mediaward: error: .* 404 .*: the token needs the role "recorder"/)
  }
})

test.each([
  ['a part', () => join('demo', 'media', 'patient-002.webm'), 'flipped'],
  ['a piece', largeFile, 'flipped-piece'],
])('a bit of %s that flips on its way is noticed, and it is sent again', async (_, make, id) => {
  const path = make()
  let flipped = false
  const flip = ({ method }: Passed) => {
    if (flipped || method !== 'PUT') return undefined
    flipped = true
    return 'flip' as const
  }
  const ended = await through(flip, args => run(['put', id, path, ...args]))
  expect(ended.code, ended.stderr).toBe(0)
  expect(ended.stderr).toMatch(/400 Bad Request: .*digest.*; trying again in/)
  expect(proxy.passed.filter(({ status }) => status === 400)).toHaveLength(1)
  const response = await play(id)
  expect(sha(new Uint8Array(await response.arrayBuffer()))).toBe(sha(readFileSync(path)))
})
