import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonical } from '../../../src/ledger/canonical.ts'
import { DeliveryTally } from '../../../src/ledger/delivery-tally.ts'
import { mergeDeliveries, viewOf } from '../../../src/ledger/merge-deliveries.ts'
import { sample } from '../../support/sample.ts'

// What the log puts together is, to the byte, what the gate's sums say.

const answer = fc.record({
  part: fc.constantFrom<string | undefined>(undefined, 'a.ts', 'b.ts'),
  offset: fc.nat(200),
  length: fc.integer({ min: 1, max: 50 }),
  taken: fc.oneof(fc.nat(50), fc.constantFrom('cut' as const, undefined)),
})
type Answer = typeof answer extends fc.Arbitrary<infer Value> ? Value : never

/** A sum of some answers, as the gate records it. */
function sumOf(answers: readonly Answer[], seq: number, isolate = 'aaaa'): string {
  const tally = new DeliveryTally()
  for (const { taken, ...one } of answers) {
    tally.add({ ...one, taken: typeof taken === 'number' ? Math.min(taken, one.length) : taken })
  }
  const at = new Date(Date.UTC(2026, 10, 27) + seq * 10_000).toISOString()
  return canonical({
    ...{
      v: 1,
      id: `id-${String(seq).padStart(4, '0')}`,
      t: at,
      recorded: at,
      tenant: 'north',
      subject: 'psn_1',
    },
    gate: { version: '0.7.0', isolate, seq },
    ...tally.facts('view-1'),
  })
}
const without = ({ merged: _, ...record }: Record<string, unknown>) => record

test('sums put together in any grouping are what one sum of all answers is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(answer, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 8 }),
      groups => {
        const merged = groups
          .map((answers, i) => sumOf(answers, i + 1))
          .reduce((a, b) => mergeDeliveries(a, b) ?? expect.unreachable())
        const whole = JSON.parse(sumOf(groups.flat(), 1))
        const { parts, ...record } = without(JSON.parse(merged))
        const byPart = (list: { part?: string }[]) =>
          list.toSorted((a, b) => (`${a.part}` < `${b.part}` ? -1 : 1))
        expect(byPart(parts as [])).toEqual(byPart(whole.parts))
        expect(record).toEqual({
          ...whole,
          parts: undefined,
          recorded: JSON.parse(sumOf([], groups.length)).recorded,
        })
      },
    ),
    sample(200, 5_000),
  )
})

describe('a record that is put together', () => {
  const one = [{ part: undefined, offset: 0, length: 10, taken: undefined }]

  test('has the head and the id of the first sum, and says of which sums it is', () => {
    const first = mergeDeliveries(sumOf(one, 3), sumOf(one, 7)) ?? ''
    const all = JSON.parse(mergeDeliveries(first, sumOf(one, 2, 'bbbb')) ?? '')
    expect(all).toMatchObject({ id: 'id-0003', subject: 'psn_1', gate: { seq: 3 }, answers: 3, bytes: 30 })
    expect(all.merged).toEqual([
      { isolate: 'aaaa', seq: [3, 7] },
      { isolate: 'bbbb', seq: [2] },
    ])
  })

  test('is canonical JSON of at most 48 KiB: a sum that does not fit in begins another one', () => {
    const part = (i: number) => [{ part: `${i}-${'x'.repeat(200)}.ts`, offset: 0, length: 1, taken: 1 }]
    let merged = sumOf(part(0), 1)
    let count = 1
    for (let next: string | undefined = merged; next !== undefined; count++) {
      merged = next
      next = mergeDeliveries(merged, sumOf(part(count), count + 1))
    }
    expect(merged.length).toBeLessThanOrEqual(48 * 1024)
    expect(merged.length).toBeGreaterThan(40 * 1024)
    expect(canonical(JSON.parse(merged))).toBe(merged)
  })

  test.each([
    ['is not JSON', '{"kind":"delivery"'],
    ['has no parts', '{"kind":"delivery","view":"a","gate":{}}'],
    ['is another kind', '{"kind":"view","view":"a","parts":[],"gate":{}}'],
  ])('is none with an entry that %s', (_, other) => {
    expect(mergeDeliveries(sumOf(one, 1), other)).toBeUndefined()
    expect(viewOf({ id: 'a', json: other })).toBeUndefined()
  })
})

test('only a delivery has a view that it can be put together in', () => {
  expect(viewOf({ id: 'a', json: sumOf([], 1) })).toBe('view-1')
  // A string of another record that looks like one.
  expect(viewOf({ id: 'a', json: '{"kind":"access","part":"\\"kind\\":\\"delivery\\""}' })).toBeUndefined()
})
