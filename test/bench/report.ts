import type { Measured } from './scenarios.ts'
import type { StreamingMemory } from './slow-readers.ts'
import { type Figures, type Spread, spread } from './statistics.ts'
import { columns, type Operation, type Row, readable, row } from './table.ts'

const MEBIBYTE = 2 ** 20

/** In % of what was streamed. A server that queues what its clients don't take yet grows by more. */
export const FLAT: Operation = { is: '<=', limit: 5 }

/** What came out. */
export interface Findings {
  readonly measured: readonly Measured[]
  readonly others: readonly Row[]
  readonly ratios: readonly Ratio[]
}

/** A ratio of two contenders, as it came out in each round. */
export interface Ratio {
  readonly row: Row
  readonly spread: Spread
  /** Of each round. */
  readonly values: readonly number[]
}

/** Of each round the quotient of one figure of two contenders; the median is the ratio. */
export function ratio(
  name: string,
  { results }: Measured,
  [above, below]: readonly [string, string],
  figure: keyof Figures,
  target?: Operation,
): Ratio {
  const roundsOf = (contender: string) => results.find(result => result.name === contender)?.rounds ?? []
  const others = roundsOf(below)
  const quotients = roundsOf(above).map(
    (figures, round) => figures[figure] / (others[round]?.[figure] ?? Number.NaN),
  )
  const across = spread(quotients)
  return { row: row(name, across.median, 'x', target), spread: across, values: quotients }
}

/** All figures of a scenario, medians over its rounds. */
export function figureRows({ scenario, results }: Measured): readonly Row[] {
  return results.flatMap(({ name, rounds, memory }) => {
    const median = medians(rounds)
    const of = (what: string) => `${scenario.name}, ${name}: ${what}`
    return [
      row(of('rate'), median('rate'), 'requests/s'),
      ...(scenario.bytes > 0
        ? [row(of('throughput'), (median('rate') * scenario.bytes) / MEBIBYTE, 'MiB/s')]
        : []),
      row(of('latency p50'), median('p50'), 'ms'),
      row(of('latency p99'), median('p99'), 'ms'),
      row(of('CPU per request'), median('cpu'), 'ms'),
      row(of('CPUs busy'), median('busy'), 'CPUs'),
      row(of('memory resident'), memory.resident, 'MiB'),
      row(of('memory peak'), memory.peak, 'MiB'),
    ]
  })
}

/** The figures of many slow clients. The target is for growth, in % of what was streamed. */
export function streamingRows(
  streams: number,
  name: string,
  { before, samples, peak, streamed, served }: StreamingMemory,
  target?: Operation,
): readonly Row[] {
  // By halves: a buffer that fills late makes a step, but what grows with the bytes grows all along.
  const half = Math.floor(samples.length / 2)
  const earlier = spread(samples.slice(0, half)).median
  const later = spread(samples.slice(half)).median
  const growth = (100 * (later - earlier)) / Math.max(streamed / 2, 1)
  const of = (what: string) => `${streams} slow streams, ${name}: ${what}`
  return [
    row(of('clients served'), served, 'clients'),
    row(of('streamed while sampled'), streamed, 'MiB'),
    row(of('memory before'), before, 'MiB'),
    row(of('memory, first half'), earlier, 'MiB'),
    row(of('memory, second half'), later, 'MiB'),
    row(of('memory peak'), peak, 'MiB'),
    row(of('peak over before'), peak - before, 'MiB'),
    row(of('growth per byte streamed'), growth, '%', target),
  ]
}

const HEADING = 'scenario|worker|req/s|MiB/s|p50 ms|p99 ms|CPU ms/req|CPUs|RSS MiB|peak MiB'.split('|')

/** The figures of scenarios as a table. */
export function figureTable(measured: readonly Measured[]): string {
  const lines = measured.flatMap(({ scenario, results }) =>
    results.map(({ name, rounds, memory }) => {
      const median = medians(rounds)
      const speed = (median('rate') * scenario.bytes) / MEBIBYTE
      const times = (['p50', 'p99', 'cpu', 'busy'] as const).map(figure => readable(median(figure)))
      const memories = [readable(memory.resident), readable(memory.peak)]
      const moved = scenario.bytes > 0 ? readable(speed) : ''
      return [scenario.name, name, readable(median('rate')), moved, ...times, ...memories]
    }),
  )
  return columns([HEADING, ...lines], 2)
}

/** Rows as a table. */
export function rowTable(rows: readonly Row[]): string {
  const lines = rows.map(({ name, value, unit, target, met }) => {
    return [name, readable(value), unit, target ?? '', verdict(met)]
  })
  return columns([['figure', 'value', 'unit', 'target', 'met'], ...lines])
}

/** Ratios as a table, with how far the rounds lie apart. */
export function ratioTable(ratios: readonly Ratio[]): string {
  const lines = ratios.map(({ row: { name, target, met }, spread: { median, least, most } }) => {
    const apart = `${least.toFixed(2)} .. ${most.toFixed(2)}`
    return [name, median.toFixed(3), apart, target ?? '', verdict(met)]
  })
  return columns([['ratio', 'median', 'rounds', 'target', 'met'], ...lines])
}

const medians = (rounds: readonly Figures[]) => (figure: keyof Figures) =>
  spread(rounds.map(figures => figures[figure])).median

const verdict = (met: boolean | null): string => (met === null ? '' : met ? 'yes' : 'NO')
