import { expect, test } from 'vitest'
import { medianInterval } from '../../bench/statistics.ts'

const upTo = (count: number) => Array.from({ length: count }, (_, i) => count - i)

// The tables of order statistics for a confidence of 95 %.
test.each([
  [6, 1, 6],
  [10, 2, 9],
  [20, 6, 15],
  [61, 23, 39],
  [66, 25, 42],
])('the interval of the median of %i values is from value %i to value %i', (count, low, high) =>
  expect(medianInterval(upTo(count))).toEqual([low, high]),
)

test('the interval of the median of five values is unbounded', () =>
  expect(medianInterval(upTo(5))).toEqual([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]))
