import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { manifestName, segmentName } from '../../../src/archive/manifest.ts'
import { entryOf, jsonOf, lineOf, packLines, unpackLines } from '../../../src/archive/segment.ts'
import { TermFilter, termName } from '../../../src/archive/term-filter.ts'
import type { Term } from '../../../src/ledger/query/terms.ts'
import { ArchivedLog, DAY, entryAt, START } from '../../support/archived-log.ts'
import { sample } from '../../support/sample.ts'

const anyEntry = fc.oneof(
  fc.record({ id: fc.string(), json: fc.string({ unit: 'grapheme' }) }),
  fc.record({ id: fc.string(), value: fc.dictionary(fc.string(), fc.jsonValue()) }).map(({ id, value }) => ({
    id,
    json: JSON.stringify({ ...value, id }),
  })),
)

test('every entry is one line, from which it comes back byte for byte, whatever its id and JSON are', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyEntry, { maxLength: 20 }), async entries => {
      const lines = await unpackLines(await packLines(entries.map(entry => lineOf(entry))))
      expect(lines.map((line, index) => entryOf(line, index))).toEqual(
        entries.map((entry, index) => ({ ...entry, index })),
      )
      expect(lines.map(line => jsonOf(line))).toEqual(entries.map(({ json }) => json))
    }),
    sample(100, 2_000),
  )
})

test('a record of the gate is a line as it is', () => {
  const entry = entryAt(START)
  expect(lineOf(entry)).toBe(entry.json)
})

test('a segment that is cut short is rejected', async () => {
  const bytes = await packLines(Array.from({ length: 500 }, () => entryAt(START).json))
  for (const end of [0, 5, 100, bytes.length - 1]) {
    await expect(unpackLines(bytes.slice(0, end))).rejects.toThrow()
  }
})

const filterOf = (terms: readonly Term[]) => TermFilter.of(new Set(terms.map(termName)))

test('a filter lacks no term that it was created of, and has few others', () => {
  const terms = (from: number): Term[] =>
    Array.from({ length: 5_000 }, (_, i) => ['subject', `psn_${(from + i).toString(16).padStart(32, '0')}`])
  const filter = TermFilter.parse(`${filterOf(terms(0))}`)
  expect(terms(0).every(term => filter.mayHave(term))).toBe(true)
  expect(terms(1_000_000).filter(term => filter.mayHave(term)).length / 5_000).toBeLessThan(0.05)
  expect(`${filterOf(terms(0))}`.length).toBeLessThan(11_000)
  expect(filterOf([]).mayHave(['kind', 'access'])).toBe(false)
})

test('the hash of a filter is final, since filters are stored', () => {
  const terms = ['psn_1', 'psn_2', 'réc-\u{1F600}'].map((value): Term => ['subject', value])
  expect(`${filterOf(terms)}`).toMatchInlineSnapshot(`"AAAAIQCAAAAAAAAgAAACAAAIAAAEAAAAQAgAAAAAEEA="`)
})

test('names of segments sort as their indexes do', () => {
  const names = [0, 9, 10, 4_000, 999_999_999_999_999].map(segmentName)
  expect(names.toSorted()).toEqual(names)
})

test('gunzip, sha256sum and a JSON parser are all that is needed to check and read an archive', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const clock = { now: START + DAY }
  const limits = { days: 90, records: 6_000_000, years: 6 }
  const log = new ArchivedLog(join(folder, 'ledger.sqlite'), limits, clock)
  const all = Array.from({ length: 4_500 }, (_, i) => entryAt(START + i * 1000, { recording: `réc-${i}` }))
  await log.append(all)
  clock.now += 3_600_000
  await log.settle(clock)
  clock.now += 3_600_000
  await log.settle(clock)
  const names = log.names.filter(name => name.endsWith('.json'))
  expect(names).toEqual([0, 4_000].map(manifestName))
  const lines: string[] = []
  for (const name of names) {
    const read = async (object: string) => (await log.store.read(object)) ?? new Uint8Array()
    const entry = JSON.parse(Buffer.from(await read(name)).toString())
    const file = join(folder, 'segment.ndjson.gz')
    writeFileSync(file, await read(entry.object))
    expect(execFileSync('sha256sum', [file], { encoding: 'utf8' }).split(' ')[0]).toBe(entry.sha256)
    expect(
      createHash('sha256')
        .update(await read(entry.object))
        .digest('hex'),
    ).toBe(entry.sha256)
    const plain = execFileSync('gunzip', ['-c', file], { encoding: 'utf8', maxBuffer: 2 ** 26 })
    expect(plain.endsWith('\n')).toBe(true)
    const records = plain.trimEnd().split('\n')
    expect([entry.first, entry.last, entry.records, entry.bytes]).toEqual([
      ...[lines.length, lines.length + records.length - 1, records.length],
      (await read(entry.object)).length,
    ])
    const times = records.map(line => JSON.parse(line).recorded).sort()
    expect([entry.since, entry.until]).toEqual([times[0], times.at(-1)])
    lines.push(...records)
  }
  expect(lines).toEqual(all.map(({ json }) => json))
})
