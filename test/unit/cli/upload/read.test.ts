import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { bytesOf, Changed, digestOf, type Stretch, versionOf } from '../../../../src/cli/upload/read.ts'

/** In seconds: a time of which a file system keeps all. */
const TIME = 1_764_000_000
const CONTENT = randomBytes(1_000_000)

function file(content: Uint8Array = CONTENT): { path: string; whole: Stretch } {
  const path = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'video.mp4')
  writeFileSync(path, content)
  utimesSync(path, TIME, TIME)
  return { path, whole: { path, version: versionOf(statSync(path)), first: 0, size: content.length } }
}
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('base64')
const all = async (chunks: AsyncIterable<Uint8Array>) => {
  const read: Uint8Array[] = []
  for await (const chunk of chunks) read.push(chunk)
  return Buffer.concat(read)
}

test.each([
  [0, 1_000_000],
  [0, 1],
  [999_999, 1],
  [131_072, 131_072],
  [131_071, 262_145],
])('reads from %i on, %i bytes, and their digest', async (first, size) => {
  const stretch = { ...file().whole, first, size }
  const expected = CONTENT.subarray(first, first + size)
  expect((await all(bytesOf(stretch, sha(expected)))).equals(expected)).toBe(true)
  expect(await digestOf(stretch)).toBe(sha(expected))
})

test('reads nothing of an empty file', async () => {
  const { whole } = file(new Uint8Array())
  expect(await all(bytesOf(whole, sha(new Uint8Array())))).toHaveLength(0)
})

describe('a file that changes is never read to its end', () => {
  test.each<[string, (path: string) => void]>([
    ['grows', path => appendFileSync(path, 'x')],
    ['shrinks', path => writeFileSync(path, CONTENT.subarray(1))],
    ['is written over', path => writeFileSync(path, CONTENT)],
    [
      'is written over, its time set back',
      path => {
        writeFileSync(path, randomBytes(CONTENT.length))
        utimesSync(path, TIME, TIME)
      },
    ],
    [
      'is replaced',
      path => {
        writeFileSync(`${path}.new`, CONTENT)
        renameSync(`${path}.new`, path)
      },
    ],
    ['is gone', path => rmSync(path)],
  ])('it %s before', async (_, change) => {
    const { path, whole } = file()
    await new Promise(resolve => setTimeout(resolve, 20))
    change(path)
    await expect(digestOf(whole)).rejects.toThrow(Changed)
    await expect(digestOf({ ...whole, size: 10 })).rejects.toThrow(/changed while it was read/)
  })

  test('between two chunks', async () => {
    const { path, whole } = file()
    let sent = 0
    const reading = async () => {
      for await (const chunk of bytesOf(whole, sha(CONTENT))) {
        if (sent === 0) {
          await new Promise(resolve => setTimeout(resolve, 20))
          appendFileSync(path, 'x')
        }
        sent += chunk.length
      }
    }
    await expect(reading()).rejects.toThrow(Changed)
    expect(sent).toBeLessThan(CONTENT.length)
  })

  test('unseen by its times: the bytes are not those that were announced', async () => {
    const { whole } = file()
    let sent = 0
    const reading = async () => {
      for await (const chunk of bytesOf(whole, sha(randomBytes(9)))) sent += chunk.length
    }
    await expect(reading()).rejects.toThrow(Changed)
    expect(sent).toBeLessThan(CONTENT.length)
  })
})
