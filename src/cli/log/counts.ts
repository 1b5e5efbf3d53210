import type { CountSpan } from '../../ledger/ledger.ts'
import { COUNT_UNITS } from '../../ledger/query/counts.ts'
import { requestGate, requireAnswer } from '../client.ts'
import { member, parseJson, stringMember } from '../json.ts'
import type { LogRange } from './filters.ts'
import type { LogRequest } from './log-reader.ts'

/** How far back to count if no time is named, in milliseconds. */
const DEFAULT_RANGES: Readonly<Record<CountSpan, number>> = { minute: 3_600_000, hour: 86_400_000 }
/** The longest bar of a chart, in characters. */
const BAR = 30

/** What is counted, and from when until when: ISO 8601, in UTC. */
export interface CountedTime {
  readonly by: CountSpan
  readonly since: string
  readonly until: string
}

/** Returns which time to count for the options. */
export function countedTime(by: CountSpan, { since, filters }: LogRange): CountedTime {
  const until = filters.until ?? new Date().toISOString()
  return { by, since: since ?? new Date(Date.parse(until) - DEFAULT_RANGES[by]).toISOString(), until }
}

/** Asks a gate for counts. Resolves to its JSON lines. */
export async function fetchCounts(
  { gate, token, filters }: Omit<LogRequest, 'follow'>,
  time: CountedTime,
): Promise<readonly string[]> {
  const target = new URL('/console/api/counts', gate)
  target.search = new URLSearchParams({ ...filters, ...time }).toString()
  const response = await requireAnswer(await requestGate(target, await token()), 'audit')
  return (await response.text()).split('\n').filter(line => line !== '')
}

/** A chart of counts for people. */
export interface Chart {
  readonly total: number
  /** One row for each span of time: when it begins, how many records, a bar, and how many of each kind or reason. */
  readonly rows: readonly string[]
}

/**
 * Draws counts. Spans without records have a row too, so that the bars are a picture of the time.
 *
 * @param lines the JSON lines of the gate
 * @param member what is told apart in a span
 */
export function drawChart(
  lines: readonly string[],
  { by, since, until }: CountedTime,
  told: 'kind' | 'reason',
): Chart {
  const spans = new Map<number, Span>()
  const unit = COUNT_UNITS[by]
  const first = Math.floor(Date.parse(since) / unit) * unit
  for (let start = first; start < Date.parse(until); start += unit) spans.set(start, new Map())
  for (const line of lines) {
    const counted = parseJson(line)
    const span = spans.get(Date.parse(stringMember(counted, 'start') ?? ''))
    const name = stringMember(counted, told) ?? stringMember(counted, 'kind') ?? '-'
    span?.set(name, (span.get(name) ?? 0) + Number(member(counted, 'count')))
  }
  const totals = [...spans.values()].map(totalOf)
  const highest = Math.max(1, ...totals)
  const width = `${highest}`.length
  return {
    total: totals.reduce((sum, total) => sum + total, 0),
    rows: [...spans].map(([start, span]) => {
      const total = totalOf(span)
      const bar = '#'.repeat(Math.ceil((total / highest) * BAR))
      const parts = [...span].sort(([, a], [, b]) => b - a).map(([name, count]) => `${name} ${count}`)
      const columns = [
        new Date(start).toISOString().replace(':00.000Z', 'Z'),
        `${total}`.padStart(width),
        bar.padEnd(BAR),
        parts.join(', '),
      ]
      // A terminal obeys control characters. No gate counts any, but this may be another server.
      return columns
        .join('  ')
        .trimEnd()
        .replace(/\p{Cc}/gu, '?')
    }),
  }
}

/** How many records of each kind, or refusals for each reason, were made in a span of time. */
type Span = Map<string, number>

const totalOf = (span: Span): number => [...span.values()].reduce((sum, count) => sum + count, 0)
