import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Detection } from '../../../src/watch/detection.ts'
import type { Changes, Finding, FindingText } from '../../../src/watch/finding.ts'
import { FindingBook, MAX_KEPT } from '../../../src/watch/finding-book.ts'
import { keptText } from '../../../src/watch/findings/act.ts'
import { heardIn } from '../../support/heard.ts'
import { sample } from '../../support/sample.ts'

const MINUTE = 60_000
const HOUR = 3_600_000
const START = Date.UTC(2026, 10, 27)

const FIELDS = ['subject', 'session'] as const
const RULES = {
  rule: (id: string) => ({ canSuppress: id !== 'RG-040', dryRun: id === 'RG-099', group: FIELDS }),
}
const open = (state: object = {}) =>
  new FindingBook(RULES, { findings: [], suppressions: [], seq: 0, ...state })

let index = 0
function detection(members: Partial<Detection> = {}): Detection {
  index += 1
  return {
    ...{ rule: 'RG-001', version: 1, severity: 'high', tenant: 'north', group: { subject: 'psn_1' } },
    ...{ record: `record-${index}`, index, time: START },
    ...members,
  }
}

const actionsOf = ({ records }: Changes) => records.map(({ json }) => JSON.parse(json).action)
const heard = ({ records }: Changes) => heardIn(records)
const first = ({ findings: [finding] }: Changes): Finding => {
  if (finding === undefined) throw new Error('there is no finding')
  return finding
}
const changes = (outcome: Changes | string | undefined): Changes => {
  if (outcome === undefined || typeof outcome === 'string') throw new Error(`it was refused: ${outcome}`)
  return outcome
}
const text = (of = 'x', id = 'text'): FindingText => ({
  id,
  of,
  by: 'psn_9',
  at: START,
  sha256: '0',
  text: 'why',
})

describe('a finding', () => {
  test.each<[string, number, number, number]>([
    ['repeats under an hour apart are one finding', 59 * MINUTE, 5, 1],
    ['an hour after the last one, a new finding opens', HOUR, 3, 3],
    ['after 24 hours a new finding opens, however often it is repeated', 50 * MINUTE, 30, 2],
  ])('%s', (_, step, count, expected) => {
    const book = open()
    const ids = new Set<string>()
    for (let i = 0; i < count; i++) {
      const time = START + i * step
      ids.add(first(book.apply([detection({ time })], time)).id)
    }
    expect(ids.size).toBe(expected)
  })

  test.each<[string, Partial<Detection>]>([
    ['rule', { rule: 'RG-002' }],
    ['tenant', { tenant: 'south' }],
    ['group', { group: { subject: 'psn_2' } }],
    ['group with one value more', { group: { subject: 'psn_1', session: 'psn_3' } }],
  ])('a detection of another %s is another finding', (_, other) => {
    const found = open().apply([detection(), detection(other)], START)
    expect(found.opened.filter(({ rule }) => !rule.startsWith('RG-10'))).toHaveLength(2)
  })

  test('the order of the members of a group does not matter', () => {
    const group = { subject: 'psn_1', session: 'psn_2' }
    const found = open().apply(
      [detection({ group }), detection({ group: { session: 'psn_2', subject: 'psn_1' } })],
      START,
    )
    expect(first(found)).toMatchObject({ count: 2 })
  })

  test('its evidence is the first ten records and the last ten, each once', () => {
    const book = open()
    const all = Array.from({ length: 25 }, (_, i) => detection({ record: `record ${i}` }))
    const { evidence } = first(book.apply([...all, ...all.slice(0, 3)], START))
    expect(evidence.first).toEqual(all.slice(0, 10).map(({ record }) => record))
    expect(evidence.last).toEqual(all.slice(15).map(({ record }) => record))
  })

  test('a worse severity is on record and alerted, a better one is not', () => {
    const book = open()
    book.apply([detection({ severity: 'medium' })], START)
    const raised = book.apply([detection({ severity: 'critical' })], START)
    expect([first(raised).severity, actionsOf(raised), heard(raised)]).toEqual([
      'critical',
      ['raised'],
      ['raised'],
    ])
    const lower = book.apply([detection({ severity: 'low' })], START)
    expect([first(lower).severity, actionsOf(lower), heard(lower)]).toEqual(['critical', [], []])
  })

  test('many detections of one step are one record, which shows what it came to', () => {
    const severities = ['low', 'high', 'critical'] as const
    const found = open().apply(
      severities.map(severity => detection({ severity })),
      START,
    )
    expect([actionsOf(found), heard(found)]).toEqual([['opened'], ['opened']])
    expect(JSON.parse(found.records[0]?.json ?? '')).toMatchObject({ severity: 'critical', count: 3 })
  })

  test('a clock that is ahead does not have a finding absorb what comes until then', () => {
    const book = open()
    expect(first(book.apply([detection({ time: START + 100 * HOUR })], START)).last_seen).toBe(START)
    const found = book.apply([detection({ time: START + 2 * HOUR })], START + 2 * HOUR)
    expect(found.opened).toHaveLength(1)
  })

  test('a record that comes late from a spool is absorbed, and moves only the first time', () => {
    const book = open()
    book.apply([detection()], START)
    const late = first(book.apply([detection({ time: START - 48 * HOUR })], START))
    expect(late).toMatchObject({ count: 2, first_seen: START - 48 * HOUR, last_seen: START })
  })

  test('a rule that only tries is not alerted, and is by a new finding once it is in force', () => {
    const tried = open().apply([detection({ rule: 'RG-099' })], START)
    expect([first(tried).dry_run, actionsOf(tried), heard(tried)]).toEqual([true, ['opened'], []])
    const rule = () => ({ canSuppress: true, dryRun: false, group: FIELDS })
    const book = new FindingBook({ rule }, { findings: tried.findings, suppressions: [], seq: 1 })
    const found = book.apply([detection({ rule: 'RG-099' })], START)
    expect([found.opened.length, heard(found)]).toEqual([1, ['opened']])
  })

  test('a rule that begins to try leaves the finding before it to be escalated', () => {
    const found = open().apply([detection()], START)
    const rule = () => ({ canSuppress: true, dryRun: true, group: FIELDS })
    const book = new FindingBook({ rule }, { findings: found.findings, suppressions: [], seq: 1 })
    book.apply([detection()], START + MINUTE)
    expect(book.due).toBe(START + 15 * MINUTE)
    expect(actionsOf(book.escalate(book.due))).toEqual(['escalated'])
  })

  test('the book forgets the findings that changed least lately, and goes on', () => {
    const book = open()
    const groups = Array.from({ length: MAX_KEPT + 1 }, (_, i) => ({ network: `${i}` }))
    book.apply(
      groups.map(group => detection({ group })),
      START,
    )
    const again = book.apply(
      [0, MAX_KEPT].map(i => detection({ group: { network: `${i}` } })),
      START,
    )
    expect(again.opened.map(({ group }) => group.network)).toEqual(['0'])
  })

  test('a book that is made from what was stored goes on as the one before', () => {
    const steps = fc.array(
      fc.record({
        rule: fc.constantFrom('RG-001', 'RG-002', 'RG-040', 'RG-099'),
        subject: fc.constantFrom('psn_1', 'psn_2'),
        release: fc.constantFrom('4.12.0', '4.13.0'),
        severity: fc.constantFrom('low', 'medium', 'critical'),
        wait: fc.integer({ min: 0, max: 50 * MINUTE }),
      }),
      { maxLength: 30 },
    )
    fc.assert(
      fc.property(steps, fc.nat(29), (all, at) => {
        let now = START
        let seq = 0
        let book = open()
        const other = open()
        const stored = new Map<string, Finding>()
        for (const [i, { rule, subject, release, severity, wait }] of all.entries()) {
          now += wait
          if (i === at) {
            const findings = [...stored.values()].sort((a, b) => a.last_seen - b.last_seen)
            book = open({ findings, seq })
          }
          const one = detection({ rule, group: { subject }, subject, release, severity, time: now })
          const [a, b] = [book.apply([one], now), other.apply([one], now)]
          for (const finding of a.findings) stored.set(finding.id, finding)
          seq = a.seq
          expect([a.seq, actionsOf(a), heard(a)]).toEqual([b.seq, actionsOf(b), heard(b)])
          expect(a.findings.map(withoutIds)).toEqual(b.findings.map(withoutIds))
        }
      }),
      sample(200, 5_000),
    )
  })
})

const withoutIds = ({ id: _, related, previous: __, ...rest }: Finding) => ({
  ...rest,
  related: related?.length,
})

describe('a finding that a gate may respond to', () => {
  const actionable = ({ records }: Changes) => records.map(({ json }) => JSON.parse(json).may_respond)

  test.each<[string, Partial<Detection>, true | undefined]>([
    ['a session that is to be blocked', { rule: 'RG-002', mayBlock: true }, true],
    ['a session of which it is not clear', { rule: 'RG-002' }, undefined],
    ['a release that is proven', { rule: 'RG-003', mayBlock: true, provenRelease: true }, true],
    ['a release that a header names', { rule: 'RG-003', mayBlock: true }, undefined],
    ['a proven release of which it is not clear', { rule: 'RG-003', provenRelease: true }, undefined],
    ['a recording with another owner', { rule: 'RG-022', mayBlock: true }, true],
    ['a recording that a refused upload claims for another owner', { rule: 'RG-022' }, undefined],
    ['what no response is for', { rule: 'RG-001', mayBlock: true, provenRelease: true }, undefined],
  ])('%s', (_, members, expected) => {
    const found = open().apply([detection(members)], START)
    expect([first(found).may_respond, actionable(found)]).toEqual([expected, [expected]])
  })

  test('what becomes clear later is on record once, and stays so', () => {
    const book = open()
    const of = (more: object) => detection({ rule: 'RG-002', severity: 'critical', ...more })
    book.apply([of({})], START)
    const clear = book.apply([of({ mayBlock: true })], START)
    expect([actionsOf(clear), actionable(clear), heard(clear)]).toEqual([['actionable'], [true], []])
    const later = book.apply([of({}), of({ mayBlock: true })], START)
    expect([first(later).may_respond, actionsOf(later)]).toEqual([true, []])
  })
})

describe('a finding that waits', () => {
  const QUARTER = 15 * MINUTE
  const escalated = (book: FindingBook, at: number) => actionsOf(book.escalate(at))

  test('it is escalated a quarter of an hour after it opened, once', () => {
    const book = open()
    expect(book.due).toBe(Number.POSITIVE_INFINITY)
    book.apply([detection({ time: START - HOUR / 2 })], START)
    expect(book.due).toBe(START + QUARTER)
    expect(escalated(book, START + QUARTER - 1)).toEqual([])
    const said = book.escalate(START + QUARTER)
    expect([actionsOf(said), first(said).escalated]).toEqual([['escalated'], START + QUARTER])
    expect([escalated(book, START + QUARTER), book.due]).toEqual([[], Number.POSITIVE_INFINITY])
    // Neither a repeat nor a book that is made from what was stored does it again.
    const repeat = book.apply([detection({ severity: 'critical' })], START + QUARTER)
    expect(escalated(book, START + HOUR)).toEqual([])
    expect(open({ findings: repeat.findings }).due).toBe(Number.POSITIVE_INFINITY)
  })

  test('a repeat does not have it wait longer, and a worse severity has it begin', () => {
    const book = open()
    book.apply([detection({ severity: 'medium' })], START)
    expect(book.due).toBe(Number.POSITIVE_INFINITY)
    book.apply([detection()], START + MINUTE)
    book.apply([detection()], START + 2 * MINUTE)
    expect(book.due).toBe(START + MINUTE + QUARTER)
  })

  test.each<[string, Partial<Detection>, ((book: FindingBook, finding: Finding) => unknown)?]>([
    ['is not so bad', { severity: 'medium' }],
    ['is of a rule that only tries', { rule: 'RG-099' }],
    ['is suppressed', { rule: 'RG-003' }],
    ...(['acknowledge', 'assign', 'close'] as const).map(
      (action): [string, object, (book: FindingBook, finding: Finding) => unknown] => [
        `was met with ${action}`,
        {},
        (book, finding) =>
          book.act(
            finding,
            { action, by: 'psn_9', assignee: 'psn_9', verdict: 'test' },
            undefined,
            START + MINUTE,
          ),
      ],
    ),
  ])('one that %s is not escalated', (_, members, act) => {
    const book = open()
    const wanted = { rule: 'RG-003', group: {}, by: 'psn_9', reason: 'why', expires: START + HOUR }
    book.suppress(wanted, text('suppression'), START)
    const found = first(book.apply([detection(members)], START))
    act?.(book, found)
    expect([book.due, escalated(book, START + HOUR)]).toEqual([Number.POSITIVE_INFINITY, []])
  })

  test('one that is no longer suppressed waits from then on', () => {
    const book = open()
    const wanted = { rule: 'RG-001', group: {}, by: 'psn_9', reason: 'why', expires: START + HOUR / 2 }
    book.suppress(wanted, text('suppression'), START)
    book.apply([detection()], START)
    book.apply([detection()], START + HOUR / 2)
    expect(book.due).toBe(START + HOUR / 2 + QUARTER)
  })

  test.each(['the last of its group', 'older than another of its group'])(
    'one that is reopened waits again, if it is %s',
    which => {
      const book = open()
      const met = { by: 'psn_9', verdict: 'test' } as const
      const found = first(book.apply([detection()], START))
      const act = (one: Finding, action: 'acknowledge' | 'close' | 'reopen', at: number) =>
        first(changes(book.act(one, { ...met, action }, undefined, at)))
      escalated(book, START + QUARTER)
      const closed = act(act(found, 'acknowledge', START + HOUR / 2), 'close', START + HOUR / 2)
      if (which !== 'the last of its group') {
        const newer = first(book.apply([detection({ time: START + HOUR })], START + HOUR))
        act(newer, 'acknowledge', START + HOUR)
      }
      expect(book.due).toBe(Number.POSITIVE_INFINITY)
      act(closed, 'reopen', START + 2 * HOUR)
      expect(book.due).toBe(START + 2 * HOUR + QUARTER)
      const said = book.escalate(book.due)
      expect([actionsOf(said), first(said).id]).toEqual([['escalated'], found.id])
      expect(escalated(book, START + 5 * HOUR)).toEqual([])
    },
  )
})

describe('a finding that joins others', () => {
  const about = { subject: 'psn_1', release: '4.12.0' }

  test('two rules about one subject within an hour make one, as bad as the worst and at least high', () => {
    const book = open()
    const one = book.apply([detection({ severity: 'low', ...about })], START)
    const two = book.apply([detection({ rule: 'RG-002', severity: 'medium', ...about })], START + 59 * MINUTE)
    const joined = two.opened.filter(({ rule }) => rule.startsWith('RG-10'))
    expect(joined).toMatchObject([
      { rule: 'RG-100', severity: 'high', group: { subject: 'psn_1' }, tenant: 'north' },
      { rule: 'RG-101', severity: 'high', group: { release: '4.12.0' } },
    ])
    for (const { related } of joined) expect(related).toEqual([first(one).id, first(two).id])
    expect(actionsOf(two)).toEqual(['opened', 'opened', 'opened'])
  })

  test.each<[string, Partial<Detection>, number]>([
    ['one rule twice', { group: { subject: 'psn_1', session: 'psn_2' } }, 0],
    ['two rules an hour apart', { rule: 'RG-002' }, HOUR],
    ['two rules about two subjects', { rule: 'RG-002', subject: 'psn_2', group: { subject: 'psn_2' } }, 0],
    ['two rules in two tenants', { rule: 'RG-002', tenant: 'south' }, 0],
    ['a rule that only tries', { rule: 'RG-099' }, 0],
    ['what is about a person and what is about a release', { rule: 'RG-003', group: { release: '4.12' } }, 0],
    ['what is about a person and what is about all', { rule: 'RG-003', group: {} }, 0],
  ])('%s make none', (_, other, wait) => {
    const book = open()
    const subject = 'psn_1'
    book.apply([detection({ subject })], START)
    const time = START + wait
    const found = book.apply([detection({ subject, time, ...other })], time)
    expect(found.findings.filter(({ rule }) => rule.startsWith('RG-10'))).toEqual([])
  })

  test('a further rule joins it, and is on record, and a repeat is absorbed by both', () => {
    const book = open()
    const subject = 'psn_1'
    book.apply([detection({ subject }), detection({ rule: 'RG-002', subject })], START)
    const third = book.apply([detection({ rule: 'RG-040', severity: 'critical', subject })], START)
    expect(actionsOf(third)).toEqual(['opened', 'raised', 'joined'])
    expect(third.findings.at(-1)).toMatchObject({ rule: 'RG-100', count: 2, severity: 'critical' })
    const repeat = book.apply([detection({ subject })], START)
    expect([actionsOf(repeat), repeat.findings.map(({ count }) => count)]).toEqual([[], [2, 3]])
  })

  test('a recording that one person touched joins, and one that several did does not', () => {
    const book = open()
    const touch = (subject: string) =>
      book.apply([detection({ rule: 'RG-040', subject, group: { recording: 'rec-1' } })], START)
    const asks = (subject: string) => book.apply([detection({ subject, group: { subject } })], START).findings
    touch('psn_1')
    expect(asks('psn_1').map(({ rule }) => rule)).toEqual(['RG-001', 'RG-100'])
    touch('psn_2')
    expect(asks('psn_2').map(({ rule }) => rule)).toEqual(['RG-001'])
  })

  test('it names the recordings of those that it joins', () => {
    const book = open()
    const group = { subject: 'psn_1' }
    book.apply([detection({ group, recording: 'rec-1' })], START)
    const listed = { group, recording: 'rec-2', recordings: ['rec-3', 'rec-1'] }
    const joined = book.apply([detection({ rule: 'RG-002', ...listed })], START).findings.at(-1)
    expect(joined).toMatchObject({ rule: 'RG-100', about: { recordings: ['rec-1', 'rec-2', 'rec-3'] } })
  })

  test('what is closed or suppressed joins nothing', () => {
    const book = open()
    const subject = 'psn_1'
    const found = first(book.apply([detection({ subject })], START))
    changes(book.act(found, { action: 'close', by: 'psn_9', verdict: 'test' }, undefined, START))
    const wanted = { rule: 'RG-003', group: {}, by: 'psn_9', reason: 'why', expires: START + HOUR }
    changes(book.suppress(wanted, text('suppression'), START))
    const after = book.apply(
      [detection({ rule: 'RG-003', subject }), detection({ rule: 'RG-002', subject })],
      START,
    )
    expect(after.opened.map(({ rule }) => rule)).toEqual(['RG-003', 'RG-002'])
  })
})

describe('a suppression', () => {
  const wanted = {
    rule: 'RG-001',
    group: { subject: 'psn_1' },
    by: 'psn_9',
    reason: 'why',
    expires: START + HOUR,
  }

  test.each<[string, Partial<Detection>, number, boolean]>([
    ['a finding with all of its values', { group: { subject: 'psn_1', session: 'psn_2' } }, 0, true],
    ['no finding with another value', { group: { subject: 'psn_2' } }, 0, false],
    ['no finding of another rule', { rule: 'RG-002' }, 0, false],
    ['nothing once it is over', {}, HOUR, false],
  ])('it suppresses %s', (_, members, wait, isSuppressed) => {
    const book = open()
    changes(book.suppress(wanted, text('suppression'), START))
    const now = START + wait
    const found = book.apply([detection({ ...members, time: now })], now)
    expect(first(found).suppressed_by).toBe(isSuppressed ? 'suppression' : undefined)
    expect(heard(found)).toEqual(isSuppressed ? [] : ['opened'])
    expect(found.suppressions.map(({ hits }) => hits)).toEqual(isSuppressed ? [1] : [])
  })

  test('of a rule that has to be heard by now, it suppresses nothing', () => {
    const suppression = { id: 'x', rule: 'RG-040', group: {}, owner: 'psn_9', created: START, hits: 0 }
    const book = open({ suppressions: [{ ...suppression, expires: START + HOUR }] })
    const found = book.apply([detection({ rule: 'RG-040' })], START)
    expect([first(found).suppressed_by, heard(found), found.suppressions]).toEqual([
      undefined,
      ['opened'],
      [],
    ])
  })

  test('of one tenant, it suppresses nothing of another', () => {
    const book = open()
    changes(book.suppress({ ...wanted, tenant: 'south' }, text('suppression'), START))
    expect(first(book.apply([detection()], START)).suppressed_by).toBeUndefined()
    expect(first(book.apply([detection({ tenant: 'south' })], START)).suppressed_by).toBe('suppression')
  })

  test('a finding that is open when it begins is quiet from then on, and loud again when it is over', () => {
    const book = open()
    book.apply([detection({ severity: 'low' })], START)
    changes(book.suppress(wanted, text('suppression'), START))
    const quiet = book.apply([detection({ severity: 'critical' })], START)
    expect([actionsOf(quiet), heard(quiet)]).toEqual([['suppressed', 'raised'], []])
    const loud = book.apply([detection({ time: START + 50 * MINUTE })], START + HOUR)
    expect([actionsOf(loud), heard(loud)]).toEqual([['unsuppressed'], ['unsuppressed']])
  })
})

test('the records of all that happens are numbered one after the other', () => {
  const book = open({ seq: 41 })
  const found = book.apply([detection(), detection({ rule: 'RG-002' })], START)
  const acted = changes(book.act(first(found), { action: 'acknowledge', by: 'psn_9' }, undefined, START))
  const seqs = [...found.records, ...acted.records].map(({ json }) => JSON.parse(json).gate.seq)
  expect(seqs).toEqual(seqs.map((_, i) => 42 + i))
  expect(acted.seq).toBe(seqs.at(-1))
})

test('a text is kept with the SHA-256 of its UTF-8', async () => {
  expect(await keptText('ä', 'of', 'psn_9', START)).toMatchObject({
    sha256: '33e6d73fee82904c8d7afb78de1154d1e8dc2a0edb08120e63df5b9385c2d9cc',
    text: 'ä',
  })
})
