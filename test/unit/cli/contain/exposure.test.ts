import { describe, expect, test } from 'vitest'
import { type Exposure, exposureOf } from '../../../../src/cli/contain/exposure.ts'
import { formatExposure, notKnown } from '../../../../src/cli/contain/exposure-format.ts'

const [OWNER, OTHER] = ['psn_1', 'psn_2']
/** Whose lists were read. */
const LISTS = { read: [OWNER], cut: [] }
const delivery = (subject: string, members: object) => ({
  ...{ kind: 'delivery', recording: 'rec-1', subject, owner: OWNER },
  ...{ answers: 1, cut: 0, assumed: 0, bytes: 100, parts: [{ ranges: [[0, 99]] as const }] },
  ...members,
})

/** The lines about a recording, without the one that says from when on the log was read. */
const linesOf = (exposure: Exposure) => formatExposure({ exposure: [exposure], lists: LISTS }).slice(1)

test('refusals count with their repeats, by reason, and lists by their answer for the recording', () => {
  const answers = [
    { recording: 'rec-1', decision: 'deny' },
    { recording: 'rec-2', decision: 'permit' },
  ]
  const found = exposureOf('rec-1', [
    { kind: 'access', reason: 'not_owner' },
    { kind: 'access', reason: 'not_owner', repeats: { of: 'x', count: 7 } },
    { kind: 'access', reason: 'token_expired', repeats: { until: '2026-11-27T00:00:00Z' } },
    { kind: 'listed', subject: OTHER, answers },
    { kind: 'listed', subject: OTHER, about: OWNER, answers: [{ recording: 'rec-1', decision: 'permit' }] },
    { kind: 'listed', subject: OTHER, answers },
    ...[{ kind: 'ticket' }, { kind: 'console' }, { kind: 'binding' }],
  ])
  expect(found).toEqual({
    recording: 'rec-1',
    ...{ owners: [], isDisputed: false },
    refused: { count: 9, reasons: { not_owner: 8, token_expired: 1 } },
    listed: {
      ...{ permitted: 1, refused: 2 },
      by: [
        { subject: OTHER, permitted: 0, refused: 2 },
        { subject: OTHER, about: OWNER, permitted: 1, refused: 0 },
      ],
    },
    ...{ tickets: 1, views: 0, views_without_delivery: 0, sent: [] },
  })
  expect(linesOf(found).slice(0, 3)).toEqual([
    expect.stringMatching(
      /in the lists that were read permitted 1 times, refused 2 times;.*; no byte left to anyone$/,
    ),
    '  in lists of psn_2: permitted 0 times, refused 2 times',
    '  in lists of psn_2 about psn_1: permitted 1 times, refused 0 times',
  ])
})

test('bytes are summed up by person, with the ranges that left at all', () => {
  const { sent } = exposureOf('rec-1', [
    delivery(OWNER, {}),
    delivery(OTHER, { cut: 1, assumed: 1, parts: [{ ranges: [[50, 149]] }] }),
    delivery(OTHER, {
      answers: 3,
      parts: [
        {
          ranges: [
            [0, 49],
            [300, 399],
          ],
        },
        { part: 'a.ts', ranges: [[0, 9]] },
      ],
    }),
  ])
  expect(sent).toEqual([
    {
      ...{ subject: OWNER, isOwner: true, answers: 1, complete: 1, cut: 0, assumed: 0, bytes: 100 },
      parts: [{ ranges: [[0, 99]] }],
    },
    {
      ...{ subject: OTHER, isOwner: false, answers: 4, complete: 3, cut: 1, assumed: 1, bytes: 200 },
      parts: [
        {
          ranges: [
            [0, 149],
            [300, 399],
          ],
        },
        { part: 'a.ts', ranges: [[0, 9]] },
      ],
    },
  ])
})

test('the lines say what left to others, and what no log can know', () => {
  const lines = linesOf(exposureOf('rec-1', [delivery(OTHER, { cut: 1 })]))
  expect(lines[0]).toContain('100 bytes left to others than its owner')
  expect(lines[1]).toBe('  psn_2: 100 bytes in 1 answers, 0 complete, 1 cut, 0 assumed; 0-99')
  expect(lines.slice(2)).toEqual(notKnown(LISTS).map(line => `not known: ${line}`))
})

test('bytes that left to the only owner left to no one else', () => {
  const records = [delivery(OWNER, {}), { kind: 'access', reason: 'not_owner', subject: OTHER, owner: OWNER }]
  const lines = linesOf(exposureOf('rec-1', records))
  expect(lines[0]).toMatch(/; no byte left to anyone but its owner$/)
  expect(lines[1]).toContain('psn_1 (its owner): 100 bytes')
})

describe('of a view without any delivery on record', () => {
  const view = (id: string) => ({ kind: 'view', id, subject: OWNER, owner: OWNER })
  const late = 'what left in 1 of its views is not on record yet, ask again'

  test('it is not said that no byte left', () => {
    const [line] = linesOf(exposureOf('rec-1', [view('v-1')]))
    expect(line).toMatch(new RegExp(`1 views; no byte is on record; ${late}$`))
  })

  test('it is not said that none left to others', () => {
    const records = [view('v-1'), delivery(OWNER, { view: 'v-1' }), view('v-2')]
    const [line] = linesOf(exposureOf('rec-1', records))
    expect(line).toMatch(new RegExp(`2 views; no byte is on record to anyone but its owner; ${late}$`))
  })

  test('it is said as long as there is one, whatever else left', () => {
    const [line] = linesOf(exposureOf('rec-1', [delivery(OTHER, { view: 'v-1' }), view('v-2')]))
    expect(line).toMatch(new RegExp(`; 100 bytes left to others than its owner; ${late}$`))
    const [whole] = linesOf(exposureOf('rec-1', [delivery(OWNER, { view: 'v-1' }), view('v-1')]))
    expect(whole).toMatch(/1 views; no byte left to anyone but its owner$/)
  })
})

test('it closes with whose lists were read, and that no others were', () => {
  const many = Array.from({ length: 10 }, (_, i) => `psn_${i}`)
  expect(notKnown({ read: many, cut: [] }).at(-1)).toBe(
    `Only the lists that these persons asked for were read: ${many.slice(0, 8).join(', ')} and 2 more. A recording may have been in lists of others.`,
  )
  expect(notKnown({ read: [], cut: [OTHER] }).slice(-2)).toEqual([
    expect.stringContaining('No lists were read to the end'),
    expect.stringMatching(/in part or not at all: psn_2\.$/),
  ])
})

describe('it is no proof that all bytes left to the owner', () => {
  test('if there was more than one, each of whom had them', () => {
    const found = exposureOf('rec-1', [delivery(OWNER, {}), delivery(OTHER, { owner: OTHER })])
    expect(found.owners).toEqual([OWNER, OTHER])
    const lines = linesOf(found)
    expect(lines[0]).toMatch(/; 200 bytes left; it has 2 owners, look at each$/)
    expect(lines.slice(1, 3)).toEqual([
      expect.stringContaining('psn_1 (its owner then): 100 bytes'),
      expect.stringContaining('psn_2 (its owner then): 100 bytes'),
    ])
  })

  test.each([
    ['a view', { kind: 'view', owner: OTHER }],
    ['a refusal', { kind: 'access', reason: 'not_owner', owner: OTHER }],
    ['a binding', { kind: 'binding', owner: OTHER }],
    ['a list', { kind: 'listed', answers: [{ recording: 'rec-1', decision: 'deny', owner: OTHER }] }],
  ])('if %s names another one', (_, record) => {
    expect(linesOf(exposureOf('rec-1', [delivery(OWNER, {}), record]))[0]).toContain('it has 2 owners')
  })

  test.each([
    ['the sources of owners disagree', { kind: 'view', disputed: true }],
    ['they do so in a list', { kind: 'listed', answers: [{ recording: 'rec-1', disputed: true }] }],
    ['a recorder named another one', { kind: 'access', reason: 'binding_conflict' }],
    ['it was bound again to another one', { kind: 'binding', previous: 'other_owner' }],
  ])('if %s', (_, record) => {
    const [line] = linesOf(exposureOf('rec-1', [delivery(OWNER, {}), record]))
    expect(line).toMatch(/; 100 bytes left; its owner is disputed, look at each person$/)
  })

  test('and a person has bytes of both if the recording was theirs for a while', () => {
    const { sent } = exposureOf('rec-1', [delivery(OWNER, {}), delivery(OWNER, { owner: OTHER })])
    expect(sent.map(({ subject, isOwner, bytes }) => [subject, isOwner, bytes])).toEqual([
      [OWNER, true, 100],
      [OWNER, false, 100],
    ])
  })
})

test('a list about another recording says nothing of its owner', () => {
  const answers = [{ recording: 'rec-2', decision: 'permit', owner: OTHER, disputed: true }]
  const found = exposureOf('rec-1', [delivery(OWNER, {}), { kind: 'listed', answers }])
  expect([found.owners, found.isDisputed]).toEqual([[OWNER], false])
})

test('the first line says from when on the log was read', () => {
  const since = '2026-11-26T10:00:00.000Z'
  expect(formatExposure({ exposure: [], lists: LISTS, since })[0]).toContain(`read from ${since}`)
  expect(formatExposure({ exposure: [], lists: LISTS })[0]).toContain('read from its first record on')
})

test('records of any form are read', () => {
  const odd = [{ kind: 'delivery' }, { kind: 'listed', answers: 7 }, { kind: 'access', repeats: 'x' }, {}]
  const { sent, refused } = exposureOf('rec-1', odd)
  expect([sent, refused.count]).toMatchObject([[{ isOwner: false, bytes: 0, parts: [] }], 1])
})
