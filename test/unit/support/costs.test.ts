import { expect, test } from 'vitest'
import { CostModel } from '../../bench/costs/cost-model.ts'
import { writeCosts } from '../../bench/costs/cost-table.ts'
import type { Measurements } from '../../bench/costs/costs.ts'

// The arithmetic of `npm run costs`, with counts that are easy to multiply.

const counts = (more: Record<string, number>) => new Map(Object.entries(more))

/** A hundred requests, each with a record that has so many terms. */
const run = (terms: number, more: Record<string, number> = {}) => ({
  requests: 100,
  counts: counts({
    'worker requests': 100,
    'LedgerObject requests': 200,
    'LogObject requests': 100,
    'LedgerObject active ms': 100_000,
    'INSERT waiting rows': 100,
    'DELETE waiting rows': 100,
    'alarms set': 50,
    'INSERT event rows': 200,
    records: 100,
    'INSERT event_term rows': terms * 64,
    'INSERT event_term times': 1,
    'INSERT event_time rows': 64,
    'INSERT unknown_table rows': 100,
    ...more,
  }),
})

const fiveMinutes = counts({
  'worker requests': 100,
  records: 1,
  'INSERT event rows': 2,
  'INSERT held_id rows': 60,
  'INSERT held_id times': 30,
  'UPDATE held_delivery rows': 30,
})
const watched = { beginning: counts({ 'worker requests': 10 }), fiveMinutes }
const measured: Measurements = {
  rates: { sparse: run(3), steady: run(3) },
  kinds: {
    token_missing: run(3),
    not_owner: run(6, { 'R2 class B': 200 }),
    ticket: run(5),
    view: run(5, { 'INSERT held_id times': 100 }),
  },
  replay: counts({ 'worker requests': 1, 'R2 class A': 1 }),
  watched: { hls: watched, mp4: watched },
  stored: {
    ...{ records: 400, live: 1000, archived: 100 },
    pruning: counts({ 'DELETE event rows': 400, 'DELETE held_id rows': 100 }),
  },
}
const model = new CostModel(measured)

test('the rows of a record are those of its way, and one for each term when it is stored and when it is pruned', () => {
  expect(Object.values(model.rowsOf('not_owner', measured.rates.steady))).toEqual([2.5, 0, 2, 6, 1, 7, 1])
})

test('a delivery has the rows of thirty sums on the way, and of one record then', () => {
  // Three when a sum comes, and one when its id is forgotten.
  expect(Object.values(model.rowsOf('delivery', measured.rates.steady))).toEqual([75, 120, 2, 5, 1, 6, 1])
})

test('a million records cost what their rows, requests, time and bytes do', () => {
  const lines = model.million({ token_missing: 0.5, not_owner: 0.5 }, measured.rates.sparse, 1)
  const dollars = Object.values(lines).map(value => Math.round(value * 1000) / 1000)
  // Requests, R2, calls, time, then seven kinds of rows, rows read, three months in the log, six years in the archive.
  expect(dollars).toEqual([0.3, 0.36, 0.45, 1.6, 2.5, 0, 2, 4.5, 1, 5.5, 1, 0, 0.6, 0.111])
})

test('an hour is its beginning and what is left of twelve times five minutes', () => {
  const { lines, counts } = model.hour('hls')
  expect(counts.get('worker requests')).toBe(1200)
  expect(lines['rows while deliveries are put together']).toBeCloseTo((11.9 * 30 * 4) / 1e6, 9)
})

test('what no line knows is in a line of its own, and each table ends with its sum', () => {
  const tables = writeCosts(measured)
  expect(tables).toMatch(/\| rows others \| 1\.00 \|/)
  expect(tables.match(/\*\*together\*\*/g)).toHaveLength(3)
})
