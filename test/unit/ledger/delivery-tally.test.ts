import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeliveryTally } from '../../../src/ledger/delivery-tally.ts'
import { sample } from '../../support/sample.ts'

const whole = (part: string | undefined, offset: number, length: number) => ({
  part,
  offset,
  length,
  taken: length,
})

test('ranges that touch or overlap are joined, and bytes that left twice count twice', () => {
  const sum = new DeliveryTally()
  sum.add(whole(undefined, 0, 10))
  sum.add(whole(undefined, 20, 10))
  sum.add(whole(undefined, 5, 15))
  sum.add({ ...whole('a.ts', 3, 1), taken: undefined })
  expect(sum.facts('view-1')).toEqual({
    kind: 'delivery',
    decision: 'permit',
    view: 'view-1',
    answers: 4,
    cut: 0,
    assumed: 1,
    bytes: 36,
    parts: [{ ranges: [[0, 29]] }, { part: 'a.ts', ranges: [[3, 3]] }],
  })
})

test('an answer that is cut off counts only the bytes that were taken', () => {
  const sum = new DeliveryTally()
  sum.add({ part: undefined, offset: 100, length: 50, taken: 20 })
  sum.add({ part: undefined, offset: 500, length: 50, taken: 0 })
  expect(sum.facts('v')).toMatchObject({ answers: 2, cut: 2, bytes: 20, parts: [{ ranges: [[100, 119]] }] })
})

test('an answer that was cut, nothing says where, counts as cut and with all bytes that can have left', () => {
  const sum = new DeliveryTally()
  sum.add({ part: undefined, offset: 100, length: 50, taken: 'cut' })
  sum.add(whole(undefined, 150, 50))
  expect(sum.facts('v')).toMatchObject({
    ...{ answers: 2, cut: 1, assumed: 1, bytes: 100 },
    parts: [{ ranges: [[100, 199]] }],
  })
})

test('the ranges of a delivery hold exactly the bytes that left', () => {
  const answer = fc.record({ offset: fc.nat(60), length: fc.integer({ min: 1, max: 20 }) })
  fc.assert(
    fc.property(fc.array(answer), answers => {
      const sum = new DeliveryTally()
      const left = new Set<number>()
      for (const { offset, length } of answers) {
        sum.add(whole(undefined, offset, length))
        for (let i = 0; i < length; i++) left.add(offset + i)
      }
      const ranges = sum.facts('v').parts[0]?.ranges ?? []
      const facts = ranges.flatMap(([first, last]) =>
        Array.from({ length: last - first + 1 }, (_, i) => first + i),
      )
      expect(facts).toEqual([...left].sort((a, b) => a - b))
      for (const [i, range] of ranges.entries())
        expect(range[0]).toBeGreaterThan((ranges[i - 1]?.[1] ?? -2) + 1)
    }),
    sample(100, 10_000),
  )
})

test('the size of a tally is never less than that of its record', () => {
  const part = fc.option(fc.stringMatching(/^[a-z]{1,200}$/), { nil: undefined })
  const answer = fc.record({ part, offset: fc.nat(2 ** 50), length: fc.integer({ min: 1, max: 2 ** 20 }) })
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 60 }), answers => {
      const sum = new DeliveryTally()
      for (const one of answers) sum.add({ ...one, taken: undefined })
      expect(sum.size + 2).toBeGreaterThanOrEqual(JSON.stringify(sum.facts('v').parts).length)
    }),
    sample(100, 10_000),
  )
})

test('the size of a tally shrinks when its ranges become one', () => {
  const sum = new DeliveryTally()
  for (let i = 0; i < 1000; i++) sum.add(whole('a.ts', i * 20, 10))
  const scattered = sum.size
  sum.add(whole('a.ts', 0, 20_000))
  const one = new DeliveryTally()
  one.add(whole('a.ts', 0, 20_000))
  expect(scattered).toBeGreaterThan(30_000)
  expect(sum.size).toBe(one.size)
})

test('facts that a tally has returned do not change when more bytes are added', () => {
  const sum = new DeliveryTally()
  sum.add(whole(undefined, 0, 10))
  const facts = sum.facts('v')
  sum.add(whole(undefined, 5, 100))
  expect(facts.parts).toEqual([{ ranges: [[0, 9]] }])
})
