import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Identity, Journal } from '../../../../src/cli/upload/journal.ts'
import { readEntries } from '../../../../src/cli/upload/journal-text.ts'
import type { Source } from '../../../../src/cli/upload/sources.ts'

const IDENTITY: Identity = {
  url: 'https://gate.test/recordings/rec-1',
  owner: 'patient-007',
  issuer: undefined,
  source: '/srv/rec-1',
}
const VERSION = { size: 9, modified: 1764108000000.25, changed: 1764108000001.5 }
const STORED = { version: VERSION, sha256: 'c2hh' }
const BEGUN = { version: VERSION, upload: 'u-1', pieceSize: 4, pieces: ['"a"', null, '"c"'], fresh: true }

const folder = () => mkdtempSync(join(tmpdir(), 'mediaward-'))
const source = (part?: string) => ({ path: '', ...(part !== undefined && { part }) }) as Source
const open = (data: string, identity = IDENTITY, anew = false) => Journal.open(data, identity, anew)
const files = (data: string) => readdirSync(join(data, 'uploads')).map(name => join(data, 'uploads', name))

test('tells the next run what this one knew', async () => {
  const data = folder()
  const journal = await open(data)
  expect(journal.of(source('a.ts'))).toBeUndefined()
  await journal.note(source('a.ts'), STORED)
  await journal.note(source('__proto__'), BEGUN)
  await journal.note(source(), STORED)
  await journal.note(source('b.ts'), BEGUN)
  await journal.note(source('b.ts'), undefined)
  const next = await open(data)
  expect(next.of(source('a.ts'))).toEqual(STORED)
  expect(next.of(source('__proto__'))).toEqual(BEGUN)
  expect(next.of(source())).toEqual(STORED)
  expect(next.of(source('b.ts'))).toBeUndefined()
  expect((await open(data, IDENTITY, true)).of(source('a.ts'))).toBeUndefined()
})

test('is of one gate, recording, owner, issuer and source alone', async () => {
  const data = folder()
  await (await open(data)).note(source('a.ts'), STORED)
  for (const other of [
    { url: 'https://gate.test/recordings/rec-2' },
    { owner: 'patient-008' },
    { issuer: 'https://idp.test/' },
    { source: '/srv/rec-2' },
  ]) {
    expect((await open(data, { ...IDENTITY, ...other })).of(source('a.ts'))).toBeUndefined()
  }
})

test("is for its owner's eyes, and names no patient", async () => {
  const data = folder()
  await (await open(data)).note(source('a.ts'), STORED)
  const [file = ''] = files(data)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(join(data, 'uploads')).mode & 0o777).toBe(0o700)
  expect(readFileSync(file, 'utf8')).not.toMatch(/patient|gate\.test/)
})

test('notes that come together are all on the disk when they resolve', async () => {
  const data = folder()
  const journal = await open(data)
  await Promise.all(Array.from({ length: 500 }, (_, i) => journal.note(source(`${i}.ts`), STORED)))
  const next = await open(data)
  expect(next.of(source('0.ts'))).toEqual(STORED)
  expect(next.of(source('499.ts'))).toEqual(STORED)
  expect(files(data)).toHaveLength(1)
})

test('is whole at any moment', async () => {
  const data = folder()
  const journal = await open(data)
  await journal.note(source('first'), STORED)
  const [file = ''] = files(data)
  let read = 0
  const reading = setInterval(() => {
    expect(readEntries(readFileSync(file, 'utf8'))).toBeDefined()
    read += 1
  })
  for (let i = 0; i < 100; i++) await journal.note(source(`${i}`), STORED)
  clearInterval(reading)
  expect(read).toBeGreaterThan(10)
})

test('is taken away with what a killed run left half written', async () => {
  const data = folder()
  const journal = await open(data)
  await journal.note(source('a.ts'), STORED)
  const [file = ''] = files(data)
  writeFileSync(`${file}.4711.new`, '{"jour')
  await journal.remove()
  expect(readdirSync(data)).toEqual([])
})

test('that can not be written costs nothing but itself', async () => {
  const data = folder()
  writeFileSync(join(data, 'uploads'), 'a file where a folder should be')
  const journal = await open(data)
  await journal.note(source('a.ts'), STORED)
  expect(journal.of(source('a.ts'))).toEqual(STORED)
  await journal.remove()
})

test('that is damaged counts as none', async () => {
  const data = folder()
  await (await open(data)).note(source('a.ts'), STORED)
  const [file = ''] = files(data)
  const text = readFileSync(file, 'utf8')
  for (const damaged of ['', text.slice(0, -9), text.replace('"journal":1', '"journal":2'), '\0\0\0']) {
    writeFileSync(file, damaged)
    expect((await open(data)).of(source('a.ts'))).toBeUndefined()
  }
})

const text = (entry: unknown) => JSON.stringify({ journal: 1, files: [['a.ts', entry]] })
test.each([
  ['no object', text(null)],
  ['no version', text({})],
  ['a size that is none', text({ version: { ...VERSION, size: '9' } })],
  ['an upload with a line end', text({ ...BEGUN, upload: 'u\r\nX-Evil: 1' })],
  ['an upload too long', text({ ...BEGUN, upload: 'u'.repeat(1025) })],
  ['pieces of nothing', text({ ...BEGUN, pieceSize: 0 })],
  ['pieces of half a byte', text({ ...BEGUN, pieceSize: 0.5 })],
  ['a tag that is none', text({ ...BEGUN, pieces: [7] })],
  ['a place of nobody knows what', text({ ...BEGUN, fresh: undefined })],
  ['a part that is none', JSON.stringify({ journal: 1, files: [[7, STORED]] })],
  ['files that are none', JSON.stringify({ journal: 1, files: {} })],
  ['no list', 'null'],
])('a journal with %s is damaged', (_, damaged) => {
  expect(readEntries(damaged)).toBeUndefined()
})

test('the texts that these were made from are not', () => {
  expect(readEntries(text(STORED))?.get('a.ts')).toEqual(STORED)
  expect(readEntries(text(BEGUN))?.get('a.ts')).toEqual(BEGUN)
})
