import type { Sql } from './sql.ts'

/** A record that is entered, and when it was recorded, in milliseconds since 1970. */
export interface TimedPlace {
  readonly place: number
  readonly recorded: number
}

const MINUTE = 60_000
const HOUR = 3_600_000

/**
 * At which places the records of each minute and hour are: the first and the last one. A record that came back late from
 * the spool has an early time and a late place, so a minute may reach over others. All its records are within its bounds.
 */
export class EventTimes {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
    sql(`CREATE TABLE IF NOT EXISTS event_time (
      unit INTEGER NOT NULL, start INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
      PRIMARY KEY (unit, start)
    ) STRICT, WITHOUT ROWID`)
  }

  /** Enters records, by rising place. */
  enter(records: readonly TimedPlace[]): void {
    for (const unit of [MINUTE, HOUR]) {
      const spans = Map.groupBy(records, ({ recorded }) => startOf(recorded, unit))
      for (const [start, within] of spans) {
        const [first, last] = [within[0]?.place ?? 0, within.at(-1)?.place ?? 0]
        this.#sql(
          `INSERT INTO event_time (unit, start, first, last) VALUES (?, ?, ?, ?)
            ON CONFLICT DO UPDATE SET last = excluded.last`,
          ...[unit, start, first, last],
        )
      }
    }
  }

  /** Removes the spans that begin before a time and have no record after a place. */
  remove(time: number, place: number): void {
    for (const unit of [MINUTE, HOUR]) {
      const row = [unit, time, place]
      this.#sql('DELETE FROM event_time WHERE unit = ? AND start < ? AND last <= ?', ...row)
    }
  }

  /** Returns the first place at which something may have been recorded at a time or later; undefined if there is none. */
  firstSince(time: number): number | undefined {
    const next = startOf(time, HOUR) + HOUR
    return this.#bound(
      'min(first)',
      [HOUR, next, Number.MAX_SAFE_INTEGER],
      [MINUTE, startOf(time, MINUTE), next],
    )
  }

  /** Returns the last place at which something may have been recorded before a time; undefined if there is none. */
  lastBefore(time: number): number | undefined {
    const hour = startOf(time, HOUR)
    return this.#bound('max(last)', [HOUR, 0, hour], [MINUTE, hour, time])
  }

  #bound(bound: 'min(first)' | 'max(last)', ...spans: readonly Span[]): number | undefined {
    const found = spans.flatMap(([unit, from, to]) => {
      const [row] = this.#sql<{ place: number | null }>(
        `SELECT ${bound} AS place FROM event_time WHERE unit = ? AND start >= ? AND start < ?`,
        ...[unit, from, to],
      )
      return row?.place ?? []
    })
    if (found.length === 0) return undefined
    return bound === 'min(first)' ? Math.min(...found) : Math.max(...found)
  }
}

/** The minutes or hours that begin at a time or later, and before another. */
type Span = readonly [unit: number, from: number, to: number]

const startOf = (time: number, unit: number): number => Math.floor(time / unit) * unit
