import { randomBytes } from 'node:crypto'
import { appendFileSync, closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run, start } from '../support/command.ts'
import type { Passed } from '../support/proxy.ts'
import { desk, isPlaylist, OWNER, sha, slowly, temporary, untouched } from '../support/put-harness.ts'

// Runs `mediaward put` with large files through a proxy that counts requests and breaks connections.

const at = desk()

const MIB = 1024 * 1024
/** Just over what goes in one request: four pieces of 8 MiB, and a last one of 7 bytes. */
const LARGE = 32 * MIB + 7

function largeFile(): string {
  const path = join(temporary(), 'video.mp4')
  writeFileSync(path, randomBytes(LARGE))
  return path
}
const isPiece = ({ headers }: Passed) => headers['content-range'] !== undefined
const pieces = () => at.proxy.passed.filter(isPiece)
const begun = () => at.stored().filter(({ headers }) => headers['mediaward-upload-size'] !== undefined)
const uploads = () => new Set(pieces().map(({ headers }) => headers['mediaward-upload']))

async function expectPlayed(id: string, path: string): Promise<void> {
  const response = await at.play(id)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe('video/mp4')
  expect(sha(new Uint8Array(await response.arrayBuffer()))).toBe(sha(readFileSync(path)))
}
async function giveUp({ path, headers }: Passed): Promise<void> {
  const { authorization = '', 'mediaward-owner': of, 'mediaward-upload': upload } = headers
  const response = await fetch(`${at.clinic.url}${path}/upload`, {
    method: 'DELETE',
    headers: { authorization, 'mediaward-owner': String(of), 'mediaward-upload': String(upload) },
  })
  expect(response.status).toBe(204)
}

describe('put of a large file', () => {
  test('put sends a large file in pieces, several at once, and it plays once it is complete', async () => {
    const path = largeFile()
    const seen: number[] = []
    const look = async (): Promise<undefined> => {
      seen.push((await at.play('large')).status)
      await slowly()
    }
    const ended = await at.through(look, args => run(['put', 'large', path, '--json', ...args]))
    expect(ended.code, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout)).toMatchObject({ files: 1, bytes: LARGE, skipped: 0 })
    await expectPlayed('large', path)
    expect(seen).toEqual(at.proxy.passed.map(() => 404))
    expect(pieces().map(({ bytes }) => bytes)).toEqual([8 * MIB, 8 * MIB, 8 * MIB, 8 * MIB, 7])
    expect(Math.max(...pieces().map(({ atOnce }) => atOnce))).toBe(4)
    expect(at.proxy.passed).toHaveLength(7)
    expect(at.journals()).toEqual([])
  })

  test('put completes a large file before it sends the playlist that names it', async () => {
    const path = largeFile()
    const folder = join(path, '..')
    writeFileSync(join(folder, 'list'), '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nvideo.mp4\n')
    const ended = await at.through(untouched, args => run(['put', 'film', folder, ...args]))
    expect(ended.code, ended.stderr).toBe(0)
    const list = at.proxy.passed.find(isPlaylist)
    const others = at.proxy.passed.filter(entry => entry !== list)
    expect(list?.began).toBeGreaterThanOrEqual(Math.max(...others.map(({ answered }) => answered)))
    await at.expectStored('film', folder)
  })

  test('put that was killed halfway through a large file resumes with the missing pieces', async () => {
    const path = largeFile()
    const put = ['put', 'piece-by-piece', path, '--parallel', '1']
    const killed = await at.through(slowly, args => at.endAfter('SIGKILL', 3, [...put, ...args]))
    expect(killed.code).toBe(-1)
    const first = pieces().filter(({ status }) => status === 200)
    const [upload] = uploads()
    const again = await at.through(untouched, args => run([...put, ...args]))
    expect(again.code, again.stderr).toBe(0)
    expect(begun()).toHaveLength(0)
    expect([...uploads()]).toEqual([upload])
    expect(pieces().length).toBeGreaterThanOrEqual(5 - first.length)
    expect(pieces().length).toBeLessThanOrEqual(5 - first.length + 1)
    await expectPlayed('piece-by-piece', path)
    expect(at.journals()).toEqual([])
  })

  test('put that was killed before its first piece was answered resumes the same upload', async () => {
    const path = largeFile()
    const put = ['put', 'early', path]
    const hold = async (entry: Passed): Promise<undefined> => {
      if (isPiece(entry)) await new Promise(resolve => setTimeout(resolve, 1000))
    }
    await at.through(hold, async args => {
      const { child, ended } = start([...put, ...args])
      while (pieces().length === 0) await new Promise(resolve => setTimeout(resolve, 2))
      child.kill('SIGKILL')
      await ended
    })
    const [upload] = uploads()
    const again = await at.through(untouched, args => run([...put, ...args]))
    expect(again.code, again.stderr).toBe(0)
    expect(begun()).toHaveLength(0)
    expect([...uploads()]).toEqual([upload])
    await expectPlayed('early', path)
  })

  test('put that was killed after a large file was stored sends only the files that are missing', async () => {
    const path = largeFile()
    const folder = join(path, '..')
    writeFileSync(join(folder, 'list'), '#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nvideo.mp4\n')
    const hold = async (entry: Passed): Promise<undefined> => {
      if (isPlaylist(entry)) await new Promise(resolve => setTimeout(resolve, 1000))
    }
    await at.through(hold, async args => {
      const { child, ended } = start(['put', 'stored', folder, ...args])
      while (!at.proxy.passed.some(isPlaylist)) await new Promise(resolve => setTimeout(resolve, 2))
      child.kill('SIGKILL')
      await ended
    })
    const again = await at.through(untouched, args => run(['put', 'stored', folder, '--json', ...args]))
    expect(JSON.parse(again.stdout)).toMatchObject({ files: 2, skipped: 1 })
    expect(at.proxy.passed.map(({ path: where }) => where)).toEqual(['/recordings/stored/list'])
    await at.expectStored('stored', folder)
  })

  test('put abandons the upload of an earlier run if the file has changed since, and starts another', async () => {
    const path = largeFile()
    const put = ['put', 'other-by-now', path]
    await at.through(slowly, args => at.endAfter('SIGKILL', 3, [...put, ...args]))
    writeFileSync(path, randomBytes(LARGE))
    const again = await at.through(untouched, args => run([...put, ...args]))
    expect(again.code, again.stderr).toBe(0)
    expect(at.proxy.passed[0]).toMatchObject({ method: 'DELETE', status: 204 })
    expect(pieces()).toHaveLength(5)
    await expectPlayed('other-by-now', path)
  })

  test('put starts an upload again, but only once, if the gate no longer has it', async () => {
    const path = largeFile()
    let gone = false
    const once = async (entry: Passed): Promise<undefined> => {
      if (gone || !isPiece(entry)) return
      gone = true
      await giveUp(entry)
    }
    const ended = await at.through(once, args => run(['put', 'swept', path, ...args]))
    expect(ended.code, ended.stderr).toBe(0)
    expect(ended.stderr).toContain(
      'the gate no longer has the upload that was started: sending the file again',
    )
    expect(begun(), ended.stderr).toHaveLength(2)
    await expectPlayed('swept', path)

    const always = async (entry: Passed): Promise<undefined> => {
      if (isPiece(entry)) await giveUp(entry)
    }
    const never = await at.through(always, args => run(['put', 'swept-again', path, ...args]))
    expect(never.code).toBe(1)
    expect(never.stderr).toMatch(/was not stored: 409 Conflict: This part has no upload of that name/)
    expect(begun(), never.stderr).toHaveLength(2)
  })

  test.each([
    ['while it is read', 3],
    ['after all of it was read', 5],
  ])('put does not store a file that changes %s', async (_, when) => {
    const path = largeFile()
    const id = `growing-${when}`
    let count = 0
    const change = (entry: Passed): undefined => {
      if (isPiece(entry) && ++count === when) appendFileSync(path, 'more')
    }
    const ended = await at.through(change, args => run(['put', id, path, '--parallel', '1', ...args]))
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toMatch(/video\.mp4 changed while it was read: wait until nothing writes to it/)
    expect(at.proxy.passed.at(-1)).toMatchObject({ method: 'DELETE', status: 204 })
    expect(at.proxy.passed.filter(({ method }) => method === 'POST')).toHaveLength(1)
    expect((await at.play(id)).status).toBe(404)
    const again = await at.through(untouched, args => run(['put', id, path, ...args]))
    expect(again.code, again.stderr).toBe(0)
    await expectPlayed(id, path)
  })

  test('put stores a large file though the first answer to each request is lost', async () => {
    const path = largeFile()
    const lost = new Set<string>()
    const ended = await at.through(
      ({ method, path: where, headers }) => {
        const name = [method, where, headers['mediaward-upload-size'], headers['content-range']].join(' ')
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
    ['sends no piece again if nothing was there before', false],
    ['sends all pieces again if an earlier version was there', true],
  ])('put that was killed after it completed a file %s', async (_, earlier) => {
    const path = largeFile()
    const id = `complete-${earlier}`
    if (earlier) await at.through(untouched, args => run(['put', id, 'package.json', ...args]))
    let complete = false
    const lose = ({ path: where, headers }: Passed) => {
      if (!where.endsWith('/upload') || headers['mediaward-upload'] === undefined) return undefined
      complete = true
      return 'lose' as const
    }
    await at.through(lose, async args => {
      const { child, ended } = start(['put', id, path, ...args])
      while (!complete) await new Promise(resolve => setTimeout(resolve, 5))
      // Not before the gate has it.
      await new Promise(resolve => setTimeout(resolve, 1500))
      child.kill('SIGKILL')
      await ended
    })
    const again = await at.through(untouched, args => run(['put', id, path, ...args]))
    expect(again.code, again.stderr).toBe(0)
    // What of the two is there can't be told where there was one before: it is sent again.
    expect(pieces()).toHaveLength(earlier ? 5 : 0)
    await expectPlayed(id, path)
  })

  test('put needs at most 120 MiB more memory for a file of 300 MiB than for one of 1 MiB', async () => {
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
        OWNER,
        '--url',
        at.clinic.url,
        '--data',
        at.clinic.data,
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
  ['a part', () => join('demo', 'media', 'patient-002.webm'), 'flipped'],
  ['a piece', largeFile, 'flipped-piece'],
])('the gate refuses %s with a flipped bit, and put sends it again', async (_, make, id) => {
  const path = make()
  let flipped = false
  const flip = ({ method }: Passed) => {
    if (flipped || method !== 'PUT') return undefined
    flipped = true
    return 'flip' as const
  }
  const ended = await at.through(flip, args => run(['put', id, path, ...args]))
  expect(ended.code, ended.stderr).toBe(0)
  expect(ended.stderr).toMatch(/400 Bad Request: .*digest.*; trying again in/)
  expect(at.proxy.passed.filter(({ status }) => status === 400)).toHaveLength(1)
  const response = await at.play(id)
  expect(sha(new Uint8Array(await response.arrayBuffer()))).toBe(sha(readFileSync(path)))
})
