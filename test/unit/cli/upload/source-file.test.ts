import { createHash, randomBytes } from 'node:crypto'
import { appendFileSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  digestRange,
  FileBody,
  type FileRange,
  isSameVersion,
  readRange,
  requireVersion,
  SourceChanged,
  versionOf,
} from '../../../../src/cli/upload/source-file.ts'

/** In seconds: a time that every file system stores without rounding. */
const TIME = 1_764_000_000
const CONTENT = randomBytes(1_000_000)

function file(content: Uint8Array = CONTENT): { path: string; whole: FileRange } {
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
])('a range from byte %i, %i bytes long, is read, and its digest is right', async (first, size) => {
  const range = { ...file().whole, first, size }
  const expected = CONTENT.subarray(first, first + size)
  expect((await all(readRange(range, sha(expected)))).equals(expected)).toBe(true)
  expect(await digestRange(range)).toBe(sha(expected))
})

test('no bytes are read of an empty file', async () => {
  const { whole } = file(new Uint8Array())
  expect(await all(readRange(whole, sha(new Uint8Array())))).toHaveLength(0)
})

describe('changed files', () => {
  test.each<[string, (path: string) => void]>([
    ['grows', path => appendFileSync(path, 'x')],
    ['shrinks', path => writeFileSync(path, CONTENT.subarray(1))],
    ['is overwritten', path => writeFileSync(path, CONTENT)],
    [
      'is overwritten, its time set back',
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
    ['is deleted', path => rmSync(path)],
  ])('a file that %s after its examination is not read', async (_, change) => {
    const { path, whole } = file()
    await new Promise(resolve => setTimeout(resolve, 20))
    change(path)
    await expect(requireVersion(path, whole.version)).rejects.toThrow(SourceChanged)
    await expect(digestRange(whole)).rejects.toThrow(SourceChanged)
    await expect(digestRange({ ...whole, size: 10 })).rejects.toThrow(/changed while it was read/)
  })

  test('a file that grows between two chunks is not read to its end', async () => {
    const { path, whole } = file()
    let sent = 0
    const reading = async () => {
      for await (const chunk of readRange(whole, sha(CONTENT))) {
        if (sent === 0) {
          await new Promise(resolve => setTimeout(resolve, 20))
          appendFileSync(path, 'x')
        }
        sent += chunk.length
      }
    }
    await expect(reading()).rejects.toThrow(SourceChanged)
    expect(sent).toBeLessThan(CONTENT.length)
  })

  test('a file whose bytes have another digest is not read to its end, even if its times are the same', async () => {
    const { whole } = file()
    let sent = 0
    const reading = async () => {
      for await (const chunk of readRange(whole, sha(randomBytes(9)))) sent += chunk.length
    }
    await expect(reading()).rejects.toThrow(SourceChanged)
    expect(sent).toBeLessThan(CONTENT.length)
  })
})

test('a file that did not change has the required version', async () => {
  const { path, whole } = file()
  await expect(requireVersion(path, whole.version)).resolves.toBeUndefined()
})

test('a range that the file does not hold is not read', async () => {
  const { whole } = file()
  await expect(digestRange({ ...whole, size: whole.size + 1 })).rejects.toThrow(SourceChanged)
})

test.each(['size', 'modified', 'changed'] as const)(
  'two versions are different if only their %s differs',
  name => {
    const version = { size: 9, modified: 1_764_000_000_000, changed: 1_764_000_000_001 }
    expect(isSameVersion(version, { ...version })).toBe(true)
    expect(isSameVersion(version, { ...version, [name]: version[name] + 1 })).toBe(false)
  },
)

test('the bytes of a body are counted as they are sent, and taken back only once', async () => {
  const { whole } = file()
  const counts: number[] = []
  const body = new FileBody({ range: whole, sha256: sha(CONTENT) }, bytes => counts.push(bytes))
  const stream = body.stream()
  expect((await all(stream)).equals(CONTENT)).toBe(true)
  const sum = () => counts.reduce((a, b) => a + b, 0)
  expect(sum()).toBe(CONTENT.length)
  body.uncount()
  body.uncount()
  expect(sum()).toBe(0)
})

test('a body that is taken back while it is sent counts no further bytes', async () => {
  const { whole } = file()
  let sum = 0
  const body = new FileBody({ range: whole, sha256: sha(CONTENT) }, bytes => {
    sum += bytes
  })
  const reader = body.stream().getReader()
  for (let i = 0; i < 3; i++) await reader.read()
  expect(sum).toBeGreaterThan(0)
  body.uncount()
  while (!(await reader.read()).done);
  expect(sum).toBe(0)
})

test('a body remembers why the file could not be read', async () => {
  const { whole } = file()
  const body = new FileBody({ range: whole, sha256: sha(randomBytes(9)) }, () => {})
  await expect(all(body.stream())).rejects.toThrow(SourceChanged)
  expect(body.error).toBeInstanceOf(SourceChanged)
})
