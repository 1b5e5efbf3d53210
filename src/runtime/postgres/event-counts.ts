import type { CountQuery, RecordCount } from '../../ledger/ledger.ts'
import { type CountRow, partsOf, spansOf, sumCounts } from '../../ledger/query/counts.ts'
import { storedValue } from './inbox-row.ts'
import type { Session } from './session.ts'

/** Resolves to the time from which minutes are counted, in milliseconds since 1970. Those before have gone with their records. */
export async function minutesSince(session: Session): Promise<number> {
  const [row] = await session.query<{ since: number | null }>(
    'SELECT max(since) AS since FROM mediaward.minutes_since',
  )
  return row?.since ?? 0
}

/** Counts records, as the port `Ledger` says. */
export async function readCounts(session: Session, query: CountQuery): Promise<readonly RecordCount[]> {
  const counts: RecordCount[] = []
  for (const part of partsOf(query, await minutesSince(session))) {
    const { unit, tenant, from, to } = spansOf(part.query)
    const rows = await session.query<CountRow>(
      `SELECT start, kind, reason, count FROM mediaward.event_count
        WHERE unit = $1 AND tenant = $2 AND start >= $3 AND start < $4`,
      ...[unit, storedValue(tenant), from, to],
    )
    counts.push(...sumCounts(part, rows, []))
  }
  return counts
}
