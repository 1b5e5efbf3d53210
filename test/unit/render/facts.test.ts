import { describe, expect, test } from 'vitest'
import { renderCef } from '../../../src/render/cef.ts'
import type { RenderedEvent } from '../../../src/render/entry.ts'
import { factsOf } from '../../../src/render/facts.ts'
import { renderOcsf } from '../../../src/render/ocsf.ts'
import { DEPLOYMENT, entryOf } from '../../support/log-entries.ts'

// What every format says of a record that stands for many, and of one that must wake up an operator.

const refusal = entryOf('access')
const entry = (members: Partial<RenderedEvent>) => ({ ...refusal, event: { ...refusal.event, ...members } })
const { id } = refusal

describe.each([
  ['a repeated refusal', entry({ repeats: { of: id, count: 12 } as never }), 12],
  ['a flood', entry({ sum: { of: id, count: 98_765, first: id, last: id, sample: [id] } as never }), 98_765],
  ['missing records', entry({ kind: 'gap', count: 41 }), 41],
  ['one refusal', entry({}), undefined],
  ['a refusal after which a flood is summed up', entry({ sum: { until: refusal.event.t } }), undefined],
] as const)('the record of %s', (_, one, count) => {
  test('says in OCSF and CEF for how many it stands', () => {
    expect(factsOf(one).count).toBe(count)
    expect(renderOcsf(one, DEPLOYMENT).count).toBe(count)
    expect(/ cnt=(\d+)/.exec(renderCef(one, DEPLOYMENT))?.[1]).toBe(count?.toString())
  })
})

test('records that are missing are as grave as a foreign recording', () => {
  expect(factsOf(entry({ kind: 'gap', count: 41 })).level).toBe(4)
  expect(factsOf(entry({ reason: 'not_owner' })).level).toBe(4)
})
