import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Journal, type UploadIdentity } from '../../../../src/cli/upload/journal.ts'
import { parseJournal } from '../../../../src/cli/upload/journal-format.ts'
import type { Source } from '../../../../src/cli/upload/sources.ts'

const IDENTITY: UploadIdentity = {
  url: 'https://gate.test/recordings/rec-1',
  owner: 'patient-007',
  issuer: undefined,
  source: '/srv/rec-1',
}
const VERSION = { size: 9, modified: 1764108000000.25, changed: 1764108000001.5 }
const STORED = { state: 'stored', version: VERSION, sha256: 'c2hh' } as const
const STARTED = {
  state: 'started',
  version: VERSION,
  upload: 'u-1',
  pieceSize: 4,
  pieces: ['"a"', null, '"c"'],
  fresh: true,
} as const

const folder = () => mkdtempSync(join(tmpdir(), 'mediaward-'))
const source = (part?: string) => ({ path: '', ...(part !== undefined && { part }) }) as Source
const open = (data: string, identity = IDENTITY, restart = false) => Journal.open({ data, identity, restart })
const files = (data: string) => readdirSync(join(data, 'uploads')).map(name => join(data, 'uploads', name))

test('a journal gives the notes of one run to the next run', async () => {
  const data = folder()
  const journal = await open(data)
  expect(journal.entryOf(source('a.ts'))).toBeUndefined()
  await journal.note(source('a.ts'), STORED)
  await journal.note(source('__proto__'), STARTED)
  await journal.note(source(), STORED)
  await journal.note(source('b.ts'), STARTED)
  await journal.note(source('b.ts'), undefined)
  expect(journal.entryOf(source('b.ts'))).toBeUndefined()
  const next = await open(data)
  expect(next.entryOf(source('a.ts'))).toEqual(STORED)
  expect(next.entryOf(source('__proto__'))).toEqual(STARTED)
  expect(next.entryOf(source())).toEqual(STORED)
  expect(next.entryOf(source('b.ts'))).toBeUndefined()
  await next.note(source('c.ts'), STORED)
  const third = await open(data)
  expect(third.entryOf(source('a.ts'))).toEqual(STORED)
  expect(third.entryOf(source('c.ts'))).toEqual(STORED)
})

test('a journal belongs to one gate, recording, owner, issuer and source', async () => {
  const data = folder()
  await (await open(data)).note(source('a.ts'), STORED)
  for (const other of [
    { url: 'https://gate.test/recordings/rec-2' },
    { owner: 'patient-008' },
    { issuer: 'https://idp.test/' },
    { source: '/srv/rec-2' },
  ]) {
    expect((await open(data, { ...IDENTITY, ...other })).entryOf(source('a.ts'))).toBeUndefined()
  }
})

test('a journal can be read only by the user that wrote it, and names no patient', async () => {
  const data = folder()
  await (await open(data)).note(source('a.ts'), STORED)
  const [file = ''] = files(data)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(statSync(join(data, 'uploads')).mode & 0o777).toBe(0o700)
  expect(readFileSync(file, 'utf8')).not.toMatch(/patient|gate\.test/)
})

test('each of many concurrent notes is on the disk when its promise resolves', async () => {
  const data = folder()
  const journal = await open(data)
  const resolved = async (i: number) => {
    await journal.note(source(`${i}.ts`), STORED)
    expect((await open(data)).entryOf(source(`${i}.ts`))).toEqual(STORED)
  }
  await Promise.all(Array.from({ length: 200 }, (_, i) => resolved(i)))
  const next = await open(data)
  expect(next.entryOf(source('0.ts'))).toEqual(STORED)
  expect(next.entryOf(source('199.ts'))).toEqual(STORED)
  expect(files(data)).toHaveLength(1)
})

test('a journal is written again for a note that arrives while another is written', async () => {
  const data = folder()
  const journal = await open(data)
  for (let turns = 0; turns < 40; turns++) {
    const first = journal.note(source(`first-${turns}`), STORED)
    for (let turn = 0; turn < turns; turn++) await new Promise(resolve => setImmediate(resolve))
    await journal.note(source(`second-${turns}`), STORED)
    expect((await open(data)).entryOf(source(`second-${turns}`))).toEqual(STORED)
    await first
  }
})

test('a journal is a whole file at any moment', async () => {
  const data = folder()
  const journal = await open(data)
  await journal.note(source('first'), STORED)
  const [file = ''] = files(data)
  let read = 0
  const reading = setInterval(() => {
    expect(parseJournal(readFileSync(file, 'utf8'))).toBeDefined()
    read += 1
  })
  for (let i = 0; i < 100; i++) await journal.note(source(`${i}`), STORED)
  clearInterval(reading)
  expect(read).toBeGreaterThan(10)
})

test('a journal is removed together with the unfinished files of killed runs', async () => {
  const data = folder()
  const journal = await open(data)
  await journal.note(source('a.ts'), STORED)
  const [file = ''] = files(data)
  writeFileSync(`${file}.4711.new`, '{"jour')
  await journal.remove()
  expect(readdirSync(data)).toEqual([])
})

test('a journal is removed after the notes that are being written', async () => {
  const data = folder()
  const journal = await open(data)
  // Another journal, so that the folder stays.
  await (await open(data, { ...IDENTITY, owner: 'patient-008' })).note(source('a.ts'), STORED)
  const others = files(data)
  const noted = journal.note(source('a.ts'), STORED)
  await journal.remove()
  await noted
  expect(files(data)).toEqual(others)
})

test('a journal that cannot be written does not end the upload', async () => {
  const data = folder()
  writeFileSync(join(data, 'uploads'), 'a file where a folder should be')
  const journal = await open(data)
  await journal.note(source('a.ts'), STORED)
  expect(journal.entryOf(source('a.ts'))).toEqual(STORED)
  await journal.remove()
})

test('a damaged journal counts as empty', async () => {
  const data = folder()
  await (await open(data)).note(source('a.ts'), STORED)
  const [file = ''] = files(data)
  const text = readFileSync(file, 'utf8')
  for (const damaged of ['', text.slice(0, -9), text.replace('"journal":1', '"journal":2'), '\0\0\0']) {
    writeFileSync(file, damaged)
    expect((await open(data)).entryOf(source('a.ts'))).toBeUndefined()
  }
})

test('a restart begins with an empty journal, which replaces the old one with the first note', async () => {
  const data = folder()
  await (await open(data)).note(source('a.ts'), STORED)
  const restarted = await open(data, IDENTITY, true)
  expect(restarted.entryOf(source('a.ts'))).toBeUndefined()
  await restarted.note(source('b.ts'), STORED)
  const next = await open(data)
  expect(next.entryOf(source('a.ts'))).toBeUndefined()
  expect(next.entryOf(source('b.ts'))).toEqual(STORED)
})

test('a restart keeps an upload that was started, as one of a version that no file has', async () => {
  const data = folder()
  await (await open(data)).note(source('a.ts'), STARTED)
  const entry = (await open(data, IDENTITY, true)).entryOf(source('a.ts'))
  expect(entry).toEqual({ ...STARTED, version: { size: -1, modified: 0, changed: 0 } })
})

// Written by version 0.4.0. Interrupted runs of that version must resume, so neither the name nor the content changes.
const OLD_NAME = 'caf1e74987d58ddc281d0c8e295f9886.json'
const OLD = `{"journal":1,"files":[
["a.ts",{"version":{"size":9,"modified":1764108000000.25,"changed":1764108000001.5},"sha256":"c2hh"}],
["b.ts",{"version":{"size":9,"modified":1764108000000.25,"changed":1764108000001.5},"upload":"u-1","pieceSize":4,"pieces":["\\"a\\"",null,"\\"c\\""],"fresh":true,"completing":true}],
["c.ts",{"version":{"size":9,"modified":1764108000000.25,"changed":1764108000001.5}}],
[null,{"version":{"size":9,"modified":1764108000000.25,"changed":1764108000001.5},"upload":"u-1","pieceSize":4,"pieces":[],"fresh":false}]
]}
`

test('a journal of version 0.4.0 is read', async () => {
  const data = folder()
  mkdirSync(join(data, 'uploads'))
  writeFileSync(join(data, 'uploads', OLD_NAME), OLD)
  const journal = await open(data)
  expect(journal.entryOf(source('a.ts'))).toEqual(STORED)
  expect(journal.entryOf(source('b.ts'))).toEqual({ ...STARTED, completing: true })
  expect(journal.entryOf(source('c.ts'))).toEqual({ state: 'stored', version: VERSION })
  expect(journal.entryOf(source())).toEqual({ ...STARTED, pieces: [], fresh: false })
})

test('a journal is written in the format of version 0.4.0', async () => {
  const data = folder()
  const journal = await open(data)
  await journal.note(source('a.ts'), STORED)
  await journal.note(source('b.ts'), { ...STARTED, completing: true })
  await journal.note(source('c.ts'), { state: 'stored', version: VERSION })
  await journal.note(source(), { ...STARTED, pieces: [], fresh: false })
  expect(files(data)).toEqual([join(data, 'uploads', OLD_NAME)])
  expect(readFileSync(join(data, 'uploads', OLD_NAME), 'utf8')).toBe(OLD)
})

const journalWith = (entry: unknown) => JSON.stringify({ journal: 1, files: [['a.ts', entry]] })
const { state: _, ...started } = STARTED
test.each([
  ['an entry that is null', journalWith(null)],
  ['an entry without a version', journalWith({})],
  ['a size that is a string', journalWith({ version: { ...VERSION, size: '9' } })],
  ['no time of modification', journalWith({ version: { ...VERSION, modified: undefined } })],
  ['no time of change', journalWith({ version: { ...VERSION, changed: undefined } })],
  ['a digest that is not a string', journalWith({ version: VERSION, sha256: 7 })],
  ['an upload with a line break', journalWith({ ...started, upload: 'u\r\nX-Evil: 1' })],
  ['an upload with too long a name', journalWith({ ...started, upload: 'u'.repeat(1025) })],
  ['an upload without a name', journalWith({ ...started, upload: '' })],
  ['an upload whose name is null', journalWith({ ...started, upload: null })],
  ['pieces of no bytes', journalWith({ ...started, pieceSize: 0 })],
  ['pieces of half a byte', journalWith({ ...started, pieceSize: 0.5 })],
  ['a piece that is a number', journalWith({ ...started, pieces: [7] })],
  ['pieces that are not a list', journalWith({ ...started, pieces: {} })],
  ['an upload without fresh', journalWith({ ...started, fresh: undefined })],
  ['an upload whose completing is a string', journalWith({ ...started, completing: 'yes' })],
  ['a part that is a number', JSON.stringify({ journal: 1, files: [[7, { version: VERSION }]] })],
  ['an entry of three members', JSON.stringify({ journal: 1, files: [['a.ts', { version: VERSION }, 1]] })],
  ['files that are not a list', JSON.stringify({ journal: 1, files: {} })],
  ['another version', JSON.stringify({ journal: 2, files: [] })],
  ['null instead of an object', 'null'],
])('a journal with %s is damaged', (_, damaged) => {
  expect(parseJournal(damaged)).toBeUndefined()
})

test('a journal without these flaws is not damaged', () => {
  expect(parseJournal(journalWith({ version: VERSION, sha256: 'c2hh' }))?.get('a.ts')).toEqual(STORED)
  expect(parseJournal(journalWith(started))?.get('a.ts')).toEqual(STARTED)
})
