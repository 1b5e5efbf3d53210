import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { KINDS } from '../../../src/ledger/event.ts'
import type { WatchedRecord } from '../../../src/watch/detection.ts'
import { Crowd } from '../../../src/watch/engine/crowd.ts'
import { Rules } from '../../../src/watch/engine/engine.ts'
import { JOINING } from '../../../src/watch/findings/neighbours.ts'
import { RULES } from '../../../src/watch/rules/rules.ts'
import { RUNBOOKS } from '../../../src/watch/runbooks.ts'
import { RuleRun, recordsOf } from '../../support/rule-fixtures.ts'
import { sample } from '../../support/sample.ts'

const record = (json: string, index = 1): WatchedRecord => ({ index, id: `id-${index}`, json })
const view = (at: number, subject: string, recording = 'rec-1') => ({
  ...{ at, kind: 'view', subject, owner: subject, recording },
})
const run = (...records: object[]) => recordsOf({ title: '', records: records as never })

describe('rules', () => {
  test('what may never be suppressed is the emergency, the changed owner, the broken proof and the canary', () => {
    const never = RULES.filter(({ canSuppress }) => !canSuppress).map(({ id }) => id)
    expect(never).toEqual(['RG-010', 'RG-022', 'RG-031', 'RG-040'])
  })

  test('each rule and each joining has a runbook, and each runbook one of them', () => {
    const ids = [...RULES.map(({ id }) => id), ...JOINING.map(([id]) => id)]
    expect(Object.keys(RUNBOOKS).toSorted()).toEqual(ids.toSorted())
  })

  test('no rule looks at the records of findings, as they would find themselves', () => {
    expect(RULES.filter(({ kinds }) => kinds.includes('finding'))).toEqual([])
  })
})

describe('any JSON', () => {
  const value = fc.letrec(tie => ({
    any: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(
        null,
        true,
        0,
        -1,
        1e300,
        '',
        'psn_1',
        'not_owner',
        '2026-11-20T08:00:00.000Z',
        'filter',
      ),
      fc.array(tie('any'), { maxLength: 3 }),
      fc.dictionary(
        fc.constantFrom('recording', 'reason', 'isolate', 'seq', 'of', 'count', 'prefix', 'ip'),
        tie('any'),
      ),
    ),
  })).any
  const members = [
    'subject',
    'session',
    'recording',
    'owner',
    'release',
    'reason',
    'recorded',
    'gate',
    'net',
    'token',
  ]
  const others = [
    'answers',
    'sum',
    'repeats',
    'merged',
    'before',
    'after',
    'missing',
    'asked',
    'rows',
    'action',
    'mode',
  ]
  const event = fc
    .tuple(
      fc.constantFrom(...KINDS, 'break_glass', 'checkpoint', 'other'),
      fc.dictionary(fc.constantFrom(...members, ...others, 'id', 'tenant', 'said', '__proto__'), value),
    )
    .map(([kind, said]) => JSON.stringify({ ...said, kind }))

  test('stops no rule, and makes only detections that can be stored', () => {
    const engine = new Rules({ seed: 1, canaries: () => new Set(['psn_1']) })
    fc.assert(
      fc.property(fc.array(fc.oneof(event, fc.string(), fc.json()), { maxLength: 20 }), jsons => {
        const records = jsons.map((json, i) => record(json, i))
        engine.needs(records)
        const observed = engine.observe(records, new Map())
        expect(JSON.parse(JSON.stringify(observed))).toEqual(observed)
        new Rules({ seed: 1 }).replay(records)
      }),
      sample(300, 20_000),
    )
  })
})

describe('stored windows', () => {
  test('a record that changes nothing reads and writes nothing', () => {
    const engine = new Rules({ seed: 1 })
    const storage = new RuleRun()
    storage.observe(engine, run(view(0, '@A')))
    const { read, written } = storage
    for (let i = 1; i < 50; i++) storage.observe(engine, run(view(i, '@A')))
    expect(storage.read).toBe(read)
    expect(storage.written).toBe(written)
  })

  test('there is at most one row of a group', () => {
    const storage = new RuleRun()
    const watched = Array.from({ length: 30 }, (_, i) => view(i * 5_000, `@P${i}`))
    storage.observe(new Rules({ seed: 1 }), run(...watched))
    expect([...storage.rows.keys()].filter(key => key.includes('rec-1'))).toHaveLength(1)
  })

  test('a batch with more groups than are known by heart loses none of them', () => {
    const engine = new Rules({ seed: 1 })
    const storage = new RuleRun()
    const many = Array.from({ length: 12_000 }, (_, i) => view(i / 1000, '@A', `rec-${i}`))
    storage.observe(engine, run(...many))
    const again = run(...many.map(({ recording }) => view(60, '@B', recording)))
    const changed = storage.observe(engine, again).filter(({ rule }) => rule === 'RG-022')
    expect(changed).toHaveLength(12_000)
  })

  test('the records of one batch see each other, also of a group that is known by heart', () => {
    const engine = new Rules({ seed: 1 })
    const storage = new RuleRun()
    storage.observe(engine, run(view(0, '@A')))
    const found = storage.observe(engine, run(view(1, '@B'), view(2, '@C')))
    expect(found.map(({ rule, index }) => [rule, index])).toEqual([
      ['RG-022', 1],
      ['RG-020', 2],
      ['RG-022', 2],
    ])
  })

  test('a flood of different ids does not write a row for each', () => {
    const storage = new RuleRun()
    const engine = new Rules({ seed: 1 })
    for (let i = 0; i < 500; i++) {
      const guess = {
        at: i / 10,
        kind: 'access',
        subject: '@A',
        reason: 'recording_unknown',
        recording: `g-${i}`,
      }
      storage.observe(engine, run(guess))
    }
    expect(storage.written).toBeLessThan(40)
  })
})

describe('late records', () => {
  const foreign = (at: number, recording: string) => ({
    ...{ at, kind: 'access', reason: 'not_owner', subject: '@A', recording },
  })
  test('what waited in the spool is found once, though newer records came before it', () => {
    const late = [foreign(0, 'rec-1'), foreign(1, 'rec-2'), foreign(2, 'rec-3')]
    const found = new RuleRun().observe(new Rules({ seed: 1 }), run(foreign(9_000, 'rec-9'), ...late))
    expect(found.filter(({ rule }) => rule === 'RG-002').map(({ index }) => index)).toEqual([4])
  })

  test('a clock that is years ahead blinds no rule for long', () => {
    const ahead = { at: 1e9, kind: 'heartbeat', gate: { isolate: 'b2b2b2b2', seq: 1 } }
    const lost = Array.from({ length: 3_000 }, (_, i) => ({
      ...{ at: i, kind: 'heartbeat', gate: { isolate: 'a1a1a1a1', seq: i < 1_500 ? i + 1 : i + 3 } },
    }))
    const found = new RuleRun().observe(new Rules({ seed: 1 }), run(ahead, ...lost))
    expect(found.filter(({ rule }) => rule === 'RG-030')).toMatchObject([
      { group: { isolate: 'a1a1a1a1' }, count: 2 },
    ])
  })
})

test('further groups of a rule are one for the release, until the first ones are a quarter of an hour old', () => {
  const crowd = new Crowd()
  const place = (subject: string, time: number) =>
    crowd.place('RG-001', { subject }, '4.12.0', { time, most: 2 })
  expect(place('a', 0)).toEqual({ subject: 'a' })
  expect(place('b', 1)).toEqual({ subject: 'b' })
  expect(place('c', 2)).toEqual({ release: '4.12.0' })
  expect(place('a', 3)).toEqual({ subject: 'a' })
  expect(place('c', 15 * 60_000 + 1)).toEqual({ subject: 'c' })
})
