import { expect, test } from 'vitest'
import { exposureOf, formatExposure, UNKNOWN } from '../../../../src/cli/contain/exposure.ts'

const [OWNER, OTHER] = ['psn_1', 'psn_2']
const delivery = (subject: string, members: object) => ({
  ...{ kind: 'delivery', recording: 'rec-1', subject, owner: OWNER },
  ...{ answers: 1, cut: 0, assumed: 0, bytes: 100, parts: [{ ranges: [[0, 99]] as const }] },
  ...members,
})

test('refusals count with their repeats, by reason, and lists by their answer for the recording', () => {
  const answers = [
    { recording: 'rec-1', decision: 'deny' },
    { recording: 'rec-2', decision: 'permit' },
  ]
  const found = exposureOf('rec-1', [
    { kind: 'access', reason: 'not_owner' },
    { kind: 'access', reason: 'not_owner', repeats: { of: 'x', count: 7 } },
    { kind: 'access', reason: 'token_expired', repeats: { until: '2026-11-27T00:00:00Z' } },
    { kind: 'listed', answers },
    { kind: 'listed', answers: [{ recording: 'rec-1', decision: 'permit' }] },
    ...[{ kind: 'ticket' }, { kind: 'view' }, { kind: 'view' }, { kind: 'console' }, { kind: 'binding' }],
  ])
  expect(found).toEqual({
    recording: 'rec-1',
    refused: { count: 9, reasons: { not_owner: 8, token_expired: 1 } },
    listed: { permitted: 1, refused: 1 },
    ...{ tickets: 1, views: 2, sent: [] },
  })
  expect(formatExposure([found])[0]).toContain('no byte left to anyone but its owner')
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
  const lines = formatExposure([exposureOf('rec-1', [delivery(OTHER, { cut: 1 })])])
  expect(lines[0]).toContain('100 bytes left to others than its owner')
  expect(lines[1]).toBe('  psn_2: 100 bytes in 1 answers, 0 complete, 1 cut, 0 assumed; 0-99')
  expect(lines.slice(2)).toEqual(UNKNOWN.map(line => `not known: ${line}`))
})

test('records of any form are read', () => {
  const odd = [{ kind: 'delivery' }, { kind: 'listed', answers: 7 }, { kind: 'access', repeats: 'x' }, {}]
  const { sent, refused } = exposureOf('rec-1', odd)
  expect([sent, refused.count]).toMatchObject([[{ isOwner: false, bytes: 0, parts: [] }], 1])
})
