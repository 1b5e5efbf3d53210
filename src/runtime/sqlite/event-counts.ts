import type { CountQuery, RecordCount } from '../../ledger/ledger.ts'
import { COUNT_UNITS, type CountRow, partsOf, spansOf, sumCounts, tally } from '../../ledger/query/counts.ts'
import type { FoundEvent } from '../../ledger/query/terms.ts'
import type { Sql } from './sql.ts'

/** How many records were made in each minute and hour, by tenant, kind and reason: what a chart shows, without reading them. */
export class EventCounts {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
    sql(`CREATE TABLE IF NOT EXISTS event_count (
      unit INTEGER NOT NULL, tenant TEXT NOT NULL, start INTEGER NOT NULL, kind TEXT NOT NULL, reason TEXT NOT NULL,
      count INTEGER NOT NULL, PRIMARY KEY (unit, tenant, start, kind, reason)
    ) STRICT, WITHOUT ROWID`)
    // Minutes that begin before the highest of these times are counted by hour alone.
    sql('CREATE TABLE IF NOT EXISTS event_minutes (since INTEGER PRIMARY KEY) STRICT')
  }

  /** Counts records, each once. */
  enter(events: readonly FoundEvent[]): void {
    for (const { unit, tenant, start, kind, reason, count } of tally(events, Object.values(COUNT_UNITS))) {
      this.#sql(
        `INSERT INTO event_count (unit, tenant, start, kind, reason, count) VALUES (?, ?, ?, ?, ?, ?)
          ON CONFLICT DO UPDATE SET count = count + excluded.count`,
        ...[unit, tenant, start, kind, reason, count],
      )
    }
  }

  /**
   * Removes the counts of the minutes before the hour of a time. There are sixty times as many as of hours, which stay.
   *
   * @returns that hour; undefined if they were removed before
   */
  forgetMinutes(time: number): number | undefined {
    const { hour, minute } = COUNT_UNITS
    const since = Math.floor(time / hour) * hour
    if (since <= this.#minutesSince) return undefined
    this.#sql('INSERT INTO event_minutes (since) VALUES (?)', since)
    this.#sql('DELETE FROM event_minutes WHERE since < ?', since)
    // From tenant to tenant, since the table is in their order.
    this.#sql(
      `WITH RECURSIVE known (tenant) AS (
          SELECT min(tenant) FROM event_count WHERE unit = ?
          UNION ALL
          SELECT (SELECT min(tenant) FROM event_count WHERE unit = ? AND tenant > known.tenant) FROM known
            WHERE known.tenant IS NOT NULL
        )
        DELETE FROM event_count WHERE unit = ? AND tenant IN (SELECT tenant FROM known) AND start < ?`,
      ...[minute, minute, minute, since],
    )
    return since
  }

  get #minutesSince(): number {
    return this.#sql<{ since: number | null }>('SELECT max(since) AS since FROM event_minutes')[0]?.since ?? 0
  }

  /**
   * Returns counts by rising time: of minutes that are no longer counted those of their hours, which say so.
   *
   * @param newest records that are not entered yet
   */
  read(query: CountQuery, newest: readonly FoundEvent[]): readonly RecordCount[] {
    return partsOf(query, this.#minutesSince).flatMap(part => {
      const { unit, tenant, from, to } = spansOf(part.query)
      const rows = this.#sql<CountRow>(
        `SELECT start, kind, reason, count FROM event_count
          WHERE unit = ? AND tenant = ? AND start >= ? AND start < ?`,
        ...[unit, tenant, from, to],
      )
      return sumCounts(part, rows, newest)
    })
  }
}
