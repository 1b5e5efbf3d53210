import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run } from '../support/command.ts'
import type { Passed } from '../support/proxy.ts'
import {
  desk,
  hlsSet,
  isMaster,
  isPlaylist,
  OWNER,
  slowly,
  temporary,
  untouched,
} from '../support/put-harness.ts'

// Runs `mediaward put` through a proxy that counts requests and breaks connections.

const at = desk()

describe('put of a folder', () => {
  test('put sends a folder in parallel, playlists after media and the master last, each with its type', async () => {
    const folder = hlsSet()
    const ended = await at.through(slowly, args => run(['put', 'set', folder, '--json', ...args]))
    expect(ended.code, ended.stderr).toBe(0)
    const { seconds, ...told } = JSON.parse(ended.stdout) as { seconds: number }
    expect(told).toEqual({ recording: 'set', owner: OWNER, files: 29, bytes: expect.any(Number), skipped: 0 })
    expect(seconds).toBeGreaterThan(0)
    expect(ended.stdout.trim().split('\n')).toHaveLength(1)
    await at.expectStored('set', folder)

    const { passed } = at.proxy
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

    const typeOf = async (part: string) => (await at.play(`set/${part}`)).headers.get('content-type')
    expect(await typeOf('a-master')).toBe('application/vnd.apple.mpegurl')
    expect(await typeOf('video/a-list')).toBe('application/vnd.apple.mpegurl')
    expect(await typeOf('manifest')).toBe('application/dash+xml')
    expect(await typeOf('video/segment-001.m4s')).toBe('video/mp4')
    expect(at.journals()).toEqual([])
  })

  test('put sends as many files at once as --parallel says', async () => {
    const folder = hlsSet()
    const wide = await at.through(slowly, args => run(['put', 'wide', folder, '--parallel', '16', ...args]))
    expect(wide.code).toBe(0)
    expect(wide.stderr).not.toContain('Warning')
    expect(Math.max(...at.proxy.passed.map(({ atOnce }) => atOnce))).toBe(16)
    await at.through(slowly, args => run(['put', 'narrow', folder, '--parallel', '1', ...args]))
    expect(Math.max(...at.proxy.passed.map(({ atOnce }) => atOnce))).toBe(1)
  })

  test('put stops at the first refusal if the recording belongs to another owner', async () => {
    const folder = hlsSet()
    await at.through(untouched, args => run(['put', 'theirs', folder, ...args]))
    const ended = await at.through(untouched, args =>
      run(['put', 'theirs', folder, ...args, '--owner', 'patient-043']),
    )
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/was not stored: 409 Conflict: This recording is bound to another owner/)
    expect(ended.stderr).not.toContain('run the same command again')
    expect(at.proxy.passed).toHaveLength(1)
  })

  test('put stores a folder over a connection that breaks again and again', async () => {
    const folder = hlsSet()
    let count = 0
    const ended = await at.through(
      () => (++count % 5 === 0 ? (count % 2 === 0 ? 'break' : 'lose') : undefined),
      args => run(['put', 'broken', folder, ...args]),
    )
    expect(ended.code, ended.stderr).toBe(0)
    expect(at.proxy.passed.filter(({ status }) => status === 0).length).toBeGreaterThan(4)
    await at.expectStored('broken', folder)
  })
})

describe('an interrupted put', () => {
  test('put resumes where it was after SIGKILL, early or late in a folder', async () => {
    for (const [run_, count] of [3, 9, 17, 26].entries()) {
      const id = `killed-${run_}`
      const folder = hlsSet()
      const killed = await at.through(slowly, args =>
        at.endAfter('SIGKILL', count, ['put', id, folder, ...args]),
      )
      expect(killed.code).toBe(-1)
      const before = at.stored().length
      expect(at.journals().filter(name => name.endsWith('.json'))).toHaveLength(1)

      const again = await at.through(untouched, args => run(['put', id, folder, '--json', ...args]))
      expect(again.code, again.stderr).toBe(0)
      // What was answered in its last moments it could not note any more: no more than are sent at once.
      expect(at.proxy.passed.length).toBeLessThanOrEqual(29 - before + 4)
      expect(JSON.parse(again.stdout)).toMatchObject({ files: 29, skipped: 29 - at.proxy.passed.length })
      await at.expectStored(id, folder)
      expect(at.journals()).toEqual([])
    }
  })

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)(
    'put says after %s how many files are stored, and resumes there when it runs again',
    async (signal, code) => {
      const folder = hlsSet()
      const id = `ended-${code}`
      const ended = await at.through(slowly, args => at.endAfter(signal, 8, ['put', id, folder, ...args]))
      expect(ended).toMatchObject({ code, stdout: '' })
      const told =
        /(\d+) of 29 files are stored, [\d.]+ of 1\.1 MiB: run the same command again to resume\n/.exec(
          ended.stderr,
        )
      expect(ended.stderr).toMatch(/\nmediaward: interrupted\n$/)
      const again = await at.through(untouched, args => run(['put', id, folder, '--json', ...args]))
      expect(JSON.parse(again.stdout).skipped).toBe(Number(told?.[1]))
      expect(at.proxy.passed).toHaveLength(29 - Number(told?.[1]))
      await at.expectStored(id, folder)
    },
  )

  test('put resumes with the files that changed since, and sends all files with --restart', async () => {
    const folder = hlsSet()
    const interrupt = (id: string) =>
      at.through(slowly, args => at.endAfter('SIGINT', 8, ['put', id, folder, ...args]))
    const paths = () => at.proxy.passed.map(({ path }) => path)
    await interrupt('changed')
    const [first = ''] = at.stored().map(({ path }) => path)
    const name = first.replace('/recordings/changed/', '')
    expect(name).toBe('video/init.mp4')
    writeFileSync(join(folder, name), randomBytes(900))
    // Written again, and yet the same.
    const second = join(folder, 'video', 'segment-000.m4s')
    writeFileSync(second, readFileSync(second))
    await at.through(untouched, args => run(['put', 'changed', folder, ...args]))
    expect(paths()).toContain('/recordings/changed/video/init.mp4')
    expect(paths()).not.toContain('/recordings/changed/video/segment-000.m4s')
    expect(paths().length).toBeLessThan(29)
    await at.expectStored('changed', folder)

    // Scripts may still use the former name of the option.
    for (const option of ['restart', 'anew']) {
      await interrupt(option)
      await at.through(untouched, args => run(['put', option, folder, `--${option}`, ...args]))
      expect(at.proxy.passed).toHaveLength(29)
    }
  })
})

const MIB = 1024 * 1024

test.each([
  ['in one request', 1],
  ['in pieces', 33 * MIB],
])('put says that a file sent %s was not stored if the server is not a gate', async (_, size) => {
  const path = join(temporary(), 'video.mp4')
  writeFileSync(path, Buffer.alloc(size))
  const portal = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end('<h1>Welcome to our network</h1>'))
  })
  await new Promise<void>(resolve => portal.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(portal.address() as AddressInfo).port}`
  const ended = await run(['put', 'portal', path, '--owner', OWNER, '--url', url, '--data', at.clinic.data])
  portal.close()
  expect(ended).toMatchObject({ code: 1, stdout: '' })
  expect(ended.stderr).toContain(`video.mp4 was not stored: the server at ${url} is not a gate`)
})

test('put reports a refusal that comes before all bytes are sent', async () => {
  const path = join(temporary(), 'video.mp4')
  writeFileSync(path, randomBytes(32 * MIB))
  for (let i = 0; i < 3; i++) {
    const args = ['put', 'refused', path, '--owner', OWNER, '--url', at.clinic.url, '--data', at.clinic.data]
    const ended = await run([...args, '--token', 'none'])
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/^mediaward: error: .*video\.mp4 was not stored: 401 .*: get a new token/)
    const patient = await run([...args, '--token', at.bearer])
    expect(patient.stderr).toMatch(/^mediaward: error: .* 404 .*: the token needs the role "recorder"/)
  }
})
