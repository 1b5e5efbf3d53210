import type { CountQuery, RecordCount } from '../../ledger/ledger.ts'
import { COUNT_UNITS, type CountRow, spansOf, sumCounts, tally } from '../../ledger/query/counts.ts'
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
   * Returns counts by rising time.
   *
   * @param newest records that are not entered yet
   */
  read(query: CountQuery, newest: readonly FoundEvent[]): readonly RecordCount[] {
    const { unit, tenant, from, to } = spansOf(query)
    const rows = this.#sql<CountRow>(
      `SELECT start, kind, reason, count FROM event_count
        WHERE unit = ? AND tenant = ? AND start >= ? AND start < ?`,
      ...[unit, tenant, from, to],
    )
    return sumCounts(query, rows, newest)
  }
}
