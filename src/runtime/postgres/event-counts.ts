import type { CountQuery, RecordCount } from '../../ledger/ledger.ts'
import { type CountRow, partsOf, spansOf, sumCounts } from '../../ledger/query/counts.ts'
import { storedValue } from './inbox-row.ts'
import type { Session } from './session.ts'

/** Resolves to the time from which minutes are counted, in milliseconds since 1970. Those before have gone with their records. */
export async function minutesSince(session: Session): Promise<number> {
  const [row] = await session.query<{ since: number }>('SELECT minutes_since AS since FROM mediaward.pruned')
  return row?.since ?? 0
}

/** Counts records, as the port `Ledger` says. */
export async function readCounts(session: Session, query: CountQuery): Promise<readonly RecordCount[]> {
  const isByMinute = query.by === 'minute'
  const since = isByMinute ? await minutesSince(session) : 0
  const counts: RecordCount[] = []
  for (const part of partsOf(query, since)) {
    const { unit, tenant, from, to } = spansOf(part.query)
    const rows = await session.query<CountRow>(
      `SELECT start, kind, reason, count FROM mediaward.event_count
        WHERE unit = $1 AND tenant = $2 AND start >= $3 AND start < $4`,
      ...[unit, storedValue(tenant), from, to],
    )
    counts.push(...sumCounts(part, rows, []))
  }
  // Minutes that were removed in between are counted by hour.
  const isSettled = !isByMinute || since === (await minutesSince(session))
  return isSettled ? counts : readCounts(session, query)
}
