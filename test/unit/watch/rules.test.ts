import { describe, expect, test } from 'vitest'
import { KINDS } from '../../../src/ledger/event.ts'
import type { Detection, WatchedRecord } from '../../../src/watch/detection.ts'
import { Rules } from '../../../src/watch/engine/engine.ts'
import { REPLAYED } from '../../../src/watch/engine/rule.ts'
import { RULES } from '../../../src/watch/rules/rules.ts'
import { recordErrors } from '../../support/record-schema.ts'
import { groupOf, RuleRun, recordsOf, ruleFixtures, START } from '../../support/rule-fixtures.ts'

const fixtures = ruleFixtures()
const engine = (canaries: readonly string[] = []) => new Rules({ canaries: () => new Set(canaries), seed: 1 })

/** What all rules find, with all records in one batch. */
function atOnce(records: readonly WatchedRecord[], canaries?: readonly string[]): readonly Detection[] {
  return new RuleRun().observe(engine(canaries), records)
}

/** What all rules find if the process is started before each record. */
function withRestarts(records: readonly WatchedRecord[], canaries?: readonly string[]): readonly Detection[] {
  const run = new RuleRun()
  for (const [i, record] of records.entries()) {
    const started = engine(canaries)
    const since = newest(records.slice(0, i + 1)) - REPLAYED
    // From the first record that young, all that came after it: also what waited in a spool.
    const first = records.findIndex(before => timeOf(before) >= since)
    started.replay(records.slice(first, i))
    run.observe(started, [record])
  }
  return run.detections
}
const timeOf = ({ json }: WatchedRecord): number => Date.parse(JSON.parse(json).recorded)
const newest = (records: readonly WatchedRecord[]): number => Math.max(...records.map(timeOf))

test('each rule has at least two sequences that it finds, and two that it does not', () => {
  expect(fixtures.map(({ rule }) => rule)).toEqual(RULES.map(({ id }) => id).toSorted())
  for (const { rule, fires, silent } of fixtures) {
    expect(fires.length, rule).toBeGreaterThanOrEqual(2)
    expect(silent.length, rule).toBeGreaterThanOrEqual(2)
  }
})

test('the records of the sequences are records, except those of kinds that are to come', () => {
  for (const { rule, fires, silent } of fixtures) {
    for (const sequence of [...fires, ...silent]) {
      for (const { json } of recordsOf(sequence)) {
        const { kind, problem } = JSON.parse(json)
        const isKnown = (KINDS as readonly string[]).includes(kind) && problem === undefined
        if (isKnown) expect(recordErrors(json), `${rule}: ${sequence.title}`).toEqual([])
      }
    }
  }
})

for (const { rule, canaries, fires, silent } of fixtures) {
  describe(rule, () => {
    test.each(fires)('finds: $title', sequence => {
      const found = atOnce(recordsOf(sequence), canaries).filter(one => one.rule === rule)
      const { severity, count, mayBlock, detections } = sequence
      if (detections === undefined) expect(found.length).toBeGreaterThan(0)
      else expect(found).toHaveLength(detections)
      const last = found.at(-1)
      expect(last?.group).toEqual(groupOf(sequence))
      if (severity !== undefined) expect(last?.severity).toBe(severity)
      if (count !== undefined) expect(last?.count).toBe(count)
      expect(last?.mayBlock).toBe(mayBlock)
    })

    test.each(silent)('does not find: $title', sequence => {
      const found = atOnce(recordsOf(sequence), canaries).filter(one => one.rule === rule)
      expect(found).toEqual([])
    })

    test.each([...fires, ...silent])(
      'is the same in batches of one, and with a restart before each record: $title',
      sequence => {
        const records = recordsOf(sequence)
        const expected = atOnce(records, canaries)
        const run = new RuleRun()
        const one = engine(canaries)
        for (const record of records) run.observe(one, [record])
        expect(run.detections).toEqual(expected)
        // A start before each of hundreds of records costs a second.
        if (records.length > 60 || sequence.restarts === false) return
        expect(withRestarts(records, canaries)).toEqual(expected)
      },
    )
  })
}

test('owners who are given many recordings are found with all of them', () => {
  const fixture = fixtures.find(({ rule }) => rule === 'RG-021')
  const [sequence] = fixture?.fires ?? []
  const found = atOnce(sequence === undefined ? [] : recordsOf(sequence)).find(
    ({ rule }) => rule === 'RG-021',
  )
  expect(found?.recordings).toHaveLength(6)
})

test('the clock of the sequences is that of their records', () => {
  const [first] = recordsOf({ title: '', records: [{ at: 1, kind: 'heartbeat' }] })
  expect(first && timeOf(first)).toBe(START + 1000)
})
