import { type Counts, sumOf } from './meter.ts'

/** When copies of the pages with the prices were read. */
export const READ_ON = '2026-11-27'

/** The pages that the prices are from. */
export const PAGES: readonly string[] = [
  'https://developers.cloudflare.com/workers/platform/pricing/',
  'https://developers.cloudflare.com/durable-objects/platform/pricing/',
  'https://developers.cloudflare.com/r2/pricing/',
]

const MILLION = 1e6
const GIGABYTE = 1e9

/** List prices in US dollars, beyond what the paid plan of $5 a month includes: what a thing is called, the price, for how many, and how many are included in a month. */
export const PRICES = {
  workerRequest: ['requests of the worker', 0.3, MILLION, '10 million'],
  cpu: ['CPU of the worker, ms', 0.02, MILLION, '30 million'],
  objectRequest: ['calls of Durable Objects', 0.15, MILLION, '1 million'],
  objectDuration: ['time of Durable Objects, GB-s', 12.5, MILLION, '400,000'],
  rowRead: ['rows read', 0.001, MILLION, '25,000 million'],
  rowWritten: ['rows written, deleted ones and alarms included', 1, MILLION, '50 million'],
  objectStorage: ['storage of Durable Objects, GB-month', 0.2, 1, '5'],
  classA: ['R2 class A operations (put, list)', 4.5, MILLION, '1 million'],
  classB: ['R2 class B operations (get, head)', 0.36, MILLION, '10 million'],
  bucketStorage: ['storage of R2, GB-month', 0.015, 1, '10'],
} as const satisfies Readonly<Record<string, readonly [string, number, number, string]>>

/** Returns what so much of something costs. */
export function priceOf(what: keyof typeof PRICES, amount: number): number {
  const [, price, unit] = PRICES[what]
  return (amount * price) / unit
}

/** An active object is billed for 128 MB, whatever it uses. */
const MEMORY = 0.128

/** What counts cost, apart from rows. */
export const costOf = {
  worker: (counts: Counts) =>
    priceOf('workerRequest', sumOf(counts, /^worker requests$/)) + priceOf('cpu', sumOf(counts, /^CPU ms$/)),
  calls: (counts: Counts) => priceOf('objectRequest', sumOf(counts, /Object requests$/)),
  time: (counts: Counts) => priceOf('objectDuration', (sumOf(counts, /Object active ms$/) / 1000) * MEMORY),
  bucket: (counts: Counts) =>
    priceOf('classA', sumOf(counts, /^R2 class A$/)) + priceOf('classB', sumOf(counts, /^R2 class B$/)),
  read: (counts: Counts) => priceOf('rowRead', sumOf(counts, /^rows read$/)),
}

/** What is stored for some months costs. */
export const costOfStorage = (
  where: 'objectStorage' | 'bucketStorage',
  bytes: number,
  months: number,
): number => priceOf(where, (bytes / GIGABYTE) * months)
