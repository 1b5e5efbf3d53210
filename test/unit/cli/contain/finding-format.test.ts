import { describe, expect, test } from 'vitest'
import type { FindingContext } from '../../../../src/cli/contain/finding-context.ts'
import { formatShown, formatSuppression } from '../../../../src/cli/contain/finding-format.ts'

const DAY = 86_400_000
const suppression = {
  ...{ id: 'one', rule: 'RG-001', group: { release: '4.12.0' }, owner: 'psn_1', hits: 2 },
  ...{ expires: 3 * DAY, reason: { text: 'a migration' } },
}
const [DAY_1, DAY_2, DAY_3] = [1, 2, 3].map(day => `1970-01-0${day + 1}T00:00:00.000Z`)

describe('a line about a suppression', () => {
  test.each<[string, object, string]>([
    ['is in force', {}, `until ${DAY_3}`],
    ['is to begin', { starts: 2 * DAY }, `from ${DAY_2}  until ${DAY_3}`],
    ['was ended', { ended: DAY }, `ended ${DAY_1}`],
    ['was ended after its beginning', { starts: DAY, ended: 2 * DAY }, `from ${DAY_1}  ended ${DAY_2}`],
    [
      'was ended before its beginning',
      { starts: 2 * DAY, ended: DAY },
      `ended ${DAY_1}, before it was to begin at ${DAY_2}`,
    ],
  ])('says the times of one that %s', (_, times, said) => {
    expect(formatSuppression({ ...suppression, ...times })).toBe(
      `RG-001  release 4.12.0  ${said}  2 hits  by psn_1  a migration  one`,
    )
  })
})

const FIRST = Date.parse('2026-11-27T08:04:13Z')
const PERSON = `psn_${'a'.repeat(32)}`
const NOTHING: FindingContext = { related: [], lockdowns: [], releases: [] }
const FINDING = {
  ...{
    id: 'f-1',
    rule: 'RG-001',
    severity: 'high',
    state: 'open',
    count: 1,
    first_seen: FIRST,
    last_seen: FIRST,
  },
  ...{ group: { subject: PERSON, session: 'psn_b' }, evidence: { first: ['r-1'], last: [] } },
}
const lines = (finding: object, context: Partial<FindingContext> = {}) =>
  formatShown({ finding: { ...FINDING, ...finding }, texts: [] }, { ...NOTHING, ...context })

test('what a finding is grouped by is shown whole, as --group takes it', () => {
  expect(lines({})).toContain(`group: subject=${PERSON} session=psn_b`)
  expect(lines({ group: { issuer: "it's" } })).toContain(`group: issuer='it'\\''s'`)
  expect(lines({ group: {} }).filter(line => line.startsWith('group'))).toEqual([])
})

test('what was done about it is shown, with when and by whom', () => {
  const shown = lines({
    ...{ verdict: 'benign', assignee: 'psn_c', acknowledged: { at: FIRST, by: 'psn_d' }, escalated: FIRST },
    ...{ contained: { at: FIRST, by: 'RG-002', epoch: 7 }, previous: 'f-0' },
  })
  expect(shown).toEqual(
    expect.arrayContaining([
      'verdict: benign',
      'assigned to psn_c',
      'acknowledged 2026-11-27T08:04:13.000Z by psn_d',
      'escalated 2026-11-27T08:04:13.000Z',
      'contained 2026-11-27T08:04:13.000Z by RG-002, by lockdown 7',
      'the one before: f-0',
    ]),
  )
  expect(lines({}).join('\n')).not.toMatch(/verdict|assigned|acknowledged|escalated|contained|before/)
})

test('lockdowns in force are shown, or why they are not known', () => {
  const lockdown = { epoch: 7, scope: 'session', value: 'psn_b', at: '2026-11-27T08:05:00.000Z', by: 'psn_d' }
  const until = '2026-11-27T09:05:00.000Z'
  expect(
    lines({}, { lockdowns: [lockdown, { ...lockdown, scope: 'everything', value: undefined, until }] }),
  ).toEqual(
    expect.arrayContaining([
      'in force: lockdown 7 of session psn_b since 2026-11-27T08:05:00.000Z by psn_d',
      `in force: lockdown 7 of everything since 2026-11-27T08:05:00.000Z by psn_d until ${until}`,
    ]),
  )
  expect(lines({}, { lockdowns: 'the gate answered 503' })).toContain(
    'which lockdowns are in force is not known: the gate answered 503',
  )
})

describe('a finding that joins others', () => {
  test.each(['RG-100', 'RG-101'])('has a runbook, as %s does', rule => {
    const shown = lines({ rule }).join('\n')
    expect(shown).toMatch(/what it means: Different rules .*\noften harmless: .*\nwhat to do: /)
  })

  test('shows those that it joins', () => {
    const related = [{ id: 'f-2', rule: 'RG-001', severity: 'high', state: 'open', more: 1 }, { id: 'f-3' }]
    expect(lines({ rule: 'RG-100' }, { related })).toEqual(
      expect.arrayContaining(['related: f-2 RG-001 high open', 'related: f-3']),
    )
  })
})

test.each([
  [250_000, '4 min 10 s before'],
  [0, '0 s before'],
  [-59_700, '1 min after'],
  [7_205_000, '2 h before'],
  [90_061_000, '1 d 1 h before'],
])('a release that was marked %i ms before the first record is shown so', (before, words) => {
  const at = FIRST - before
  expect(lines({}, { releases: [{ release: '4.12.0', at }] })).toContain(
    `release 4.12.0 was out at ${new Date(at).toISOString()}, ${words} the first record`,
  )
})
