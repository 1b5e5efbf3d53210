import type { Tally } from './load.ts'

/** What one round of requests to one worker came to. */
export interface Figures {
  /** Requests a second. */
  readonly rate: number
  /** Milliseconds that the median request took. */
  readonly p50: number
  /** Milliseconds that 99 % of the requests took at most. */
  readonly p99: number
  /** CPU time of the worker's process for one request, in milliseconds. */
  readonly cpu: number
  /** How busy the worker's process was, in CPUs. */
  readonly busy: number
}

/** Several values of one quantity. */
export interface Spread {
  readonly median: number
  readonly least: number
  readonly most: number
}

/** Takes together what one round measured in pieces. */
export function figuresOf(tallies: readonly Tally[]): Figures {
  const times = tallies.flatMap(tally => tally.times).sort((a, b) => a - b)
  const elapsed = sum(tallies.map(tally => tally.elapsed))
  const cpu = sum(tallies.map(tally => tally.cpu))
  return {
    rate: (times.length / elapsed) * 1000,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
    cpu: cpu / times.length,
    busy: cpu / elapsed,
  }
}

/** The middle of some values, and the ends. */
export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  return {
    median: (quantile(sorted, 0.5) + quantile(sorted.toReversed(), 0.5)) / 2,
    least: quantile(sorted, 0),
    most: quantile(sorted, 1),
  }
}

/**
 * The 95 % interval of the median of what some values are a sample of, by order statistics: it takes nothing for
 * granted of how they are spread (Conover, Practical Nonparametric Statistics, 3.2). From six values on.
 */
export function medianInterval(values: readonly number[]): readonly [number, number] {
  const sorted = values.toSorted((a, b) => a - b)
  const count = sorted.length
  // How many may lie beyond each end: as many as of so many tosses of a coin in at most 2.5 % of all cases.
  let beyond = 0
  let chance = 0.5 ** count
  for (let below = chance; below <= 0.025; below += chance) {
    beyond += 1
    chance *= (count - beyond + 1) / beyond
  }
  if (beyond === 0) return [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
  return [sorted[beyond - 1] ?? Number.NaN, sorted[count - beyond] ?? Number.NaN]
}

/** The value that a share of the sorted values isn't beyond. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
