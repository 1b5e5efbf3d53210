import type { CountQuery, RecordCount } from '../ledger.ts'
import { type TenantFacts, tenantsOf } from '../tenant-view.ts'
import { type Amount, amountsOf } from './amounts.ts'
import { type FoundEvent, recordedAt } from './terms.ts'

/** The spans that are counted apart, in milliseconds. That of the total is all the time there is (ECMA-262 21.4.1.1). */
export const COUNT_UNITS: Readonly<Record<CountQuery['by'], number>> = {
  ...{ minute: 60_000, hour: 3_600_000 },
  total: 8.64e15,
}

/** How many records have the same kind and reason, in a span of time. */
export interface CountRow {
  /** When the span begins, in milliseconds since 1970. */
  readonly start: number
  readonly kind: string
  /** Empty if the records have none. */
  readonly reason: string
  readonly count: number
}

/** What is counted apart. A record of several tenants is counted for each, and once for readers of all, under `''`. */
export interface TallyRow extends CountRow {
  readonly unit: number
  readonly tenant: string
}

/** Counts records by all that is counted apart. */
export function tally(events: readonly FoundEvent[], units: readonly number[]): readonly TallyRow[] {
  const rows = new Map<string, TallyRow>()
  for (const event of events) {
    const kind = typeof event.kind === 'string' ? event.kind : ''
    const reason = typeof event.reason === 'string' ? event.reason : ''
    for (const unit of units) {
      const isTotal = unit === COUNT_UNITS.total
      const start = spanOf(recordedAt(event), unit)
      const amounts: readonly Amount[] = isTotal ? amountsOf(event) : [[kind, reason, 1]]
      // Totals are for readers of all.
      const tenants = isTotal ? [] : tenantsOf(event as TenantFacts)
      for (const tenant of ['', ...tenants]) {
        for (const [kind, reason, amount] of amounts) {
          const key = JSON.stringify([unit, tenant, start, kind, reason])
          const count = (rows.get(key)?.count ?? 0) + amount
          rows.set(key, { unit, tenant, start, kind, reason, count })
        }
      }
    }
  }
  return [...rows.values()]
}

/** The spans that a query is about: those that begin at `from` or later, and before `to`. */
export interface CountedSpans {
  readonly unit: number
  readonly tenant: string
  readonly from: number
  readonly to: number
}

/** Returns which spans a query is about. */
export function spansOf({ by, tenant = '', since, until }: CountQuery): CountedSpans {
  const unit = COUNT_UNITS[by]
  return { unit, tenant, from: spanOf(Date.parse(since), unit), to: Date.parse(until) }
}

/** A part of a query of counts. */
export interface CountedPart {
  readonly query: CountQuery
  /** Whether it is of hours, as their minutes are no longer counted. */
  readonly isOfHours: boolean
}

/** Divides a query at the time from which minutes are still counted, the beginning of an hour, in milliseconds since 1970. */
export function partsOf(query: CountQuery, minutesSince: number): readonly CountedPart[] {
  if (query.by !== 'minute' || Date.parse(query.since) >= minutesSince) return [{ query, isOfHours: false }]
  const border = new Date(minutesSince).toISOString()
  const isBefore = Date.parse(query.until) <= minutesSince
  const hours: CountedPart = {
    query: { ...query, by: 'hour', until: isBefore ? query.until : border },
    isOfHours: true,
  }
  return isBefore ? [hours] : [hours, { query: { ...query, since: border }, isOfHours: false }]
}

/**
 * Adds up counts for a part of a query.
 *
 * @param rows of the spans that the query is about
 * @param newest records that are in none of the rows
 */
export function sumCounts(
  { query, isOfHours }: CountedPart,
  rows: readonly CountRow[],
  newest: readonly FoundEvent[],
): readonly RecordCount[] {
  const { unit, tenant, from, to } = spansOf(query)
  const late = tally(newest, [unit]).filter(
    row => row.tenant === tenant && row.start >= from && row.start < to,
  )
  const wanted = [...rows, ...late]
    .filter(({ kind, reason }) => kind === (query.kind ?? kind) && reason === (query.reason ?? reason))
    .sort(inOrder)
  const sums: CountRow[] = []
  for (const row of wanted) {
    const last = sums.at(-1)
    if (last === undefined || inOrder(last, row) !== 0) sums.push(row)
    else sums[sums.length - 1] = { ...last, count: last.count + row.count }
  }
  return sums.map(({ start, kind, reason, count }) => {
    const span = new Date(start).toISOString()
    return {
      ...(reason === '' ? { start: span, kind, count } : { start: span, kind, reason, count }),
      ...(isOfHours && { by: 'hour' as const }),
    }
  })
}

const inOrder = (a: CountRow, b: CountRow): number =>
  a.start - b.start || compare(a.kind, b.kind) || compare(a.reason, b.reason)
const spanOf = (time: number, unit: number): number => Math.floor(time / unit) * unit
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
