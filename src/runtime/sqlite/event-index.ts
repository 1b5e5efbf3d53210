import { type AskedField, type FoundEvent, termsOf } from '../../ledger/query/terms.ts'
import type { Sql } from './sql.ts'

/** The places from one up to another, which is not one of them. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Which places of a span to look at: the first `limit` of them or, of the newest first, the last ones, from the last on. */
export interface Look extends Span {
  readonly limit: number
  readonly isNewestFirst: boolean
}

/** A place whose record a query may ask for. */
export interface Candidate {
  readonly place: number
  /** False if the index rules the record out. */
  readonly mayMatch: boolean
}

/** A record with its place. */
export interface PlacedEvent {
  readonly place: number
  readonly event: FoundEvent
}

/** So many places of each field are counted to find out which one is in the fewest records. */
const PEEK = 200

/**
 * The index of the log: at which places a term occurs. Leads to records, and decides nothing: each record is matched by its
 * JSON. So an error here can hide a record, never show a wrong one.
 */
export class EventIndex {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
    sql(`CREATE TABLE IF NOT EXISTS event_index (
      field TEXT NOT NULL, value TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (field, value, place)
    ) STRICT, WITHOUT ROWID`)
  }

  /** Enters records. */
  enter(records: readonly PlacedEvent[]): void {
    this.#sql(
      `INSERT INTO event_index (field, value, place)
        SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)`,
      JSON.stringify(records.flatMap(({ place, event }) => termsOf(event).map(term => [...term, place]))),
    )
  }

  /** Returns the fields that a query asks, the one that occurs at the fewest places first. */
  bySelectivity(asked: readonly AskedField[], { from, to }: Span): readonly AskedField[] {
    if (asked.length < 2) return asked
    const counts = new Map(asked.map(one => [one, this.#count(one, from, to)]))
    // Those that occur more often than is counted keep their order.
    return asked.toSorted((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0))
  }

  /**
   * Returns the places at which a query looks next, in the order of looking. Fewer than `limit` only if there are no more.
   *
   * @param asked the fields that a record must match, the first of which leads to the places
   */
  candidates([lead, ...others]: readonly AskedField[], look: Look): Candidate[] {
    return lead === undefined ? allIn(look) : this.#found(lead, others, look)
  }

  #found(
    { field, values }: AskedField,
    others: readonly AskedField[],
    { from, to, limit, isNewestFirst }: Look,
  ): Candidate[] {
    // Looking into the index again is far cheaper than reading a record that another field rules out.
    const matches = others.map(
      ({ values: { length } }) =>
        `AND EXISTS (SELECT 1 FROM event_index WHERE field = ? AND value IN (${'?, '.repeat(length - 1)}?) AND place = found.place)`,
    )
    return values
      .flatMap(value =>
        this.#sql<{ place: number; matches: number }>(
          `SELECT place, true ${matches.join(' ')} AS matches FROM event_index AS found
            WHERE field = ? AND value = ? AND place >= ? AND place < ?
            ORDER BY place ${isNewestFirst ? 'DESC' : 'ASC'} LIMIT ?`,
          ...others.flatMap(other => [other.field, ...other.values]),
          ...[field, value, from, to, limit],
        ),
      )
      .sort((a, b) => (isNewestFirst ? b.place - a.place : a.place - b.place))
      .slice(0, limit)
      .map(({ place, matches }) => ({ place, mayMatch: matches === 1 }))
  }

  /** Counts the places of a field, up to {@link PEEK} of each value. */
  #count({ field, values }: AskedField, from: number, to: number): number {
    return values
      .map(value => {
        const [row] = this.#sql<{ count: number }>(
          `SELECT count(*) AS count FROM (
            SELECT 1 FROM event_index WHERE field = ? AND value = ? AND place >= ? AND place < ? LIMIT ?
          )`,
          ...[field, value, from, to, PEEK],
        )
        return row?.count ?? 0
      })
      .reduce((sum, count) => sum + count, 0)
  }
}

/** Returns the places of a span, in the order of looking. */
export function allIn({ from, to, limit, isNewestFirst }: Look): Candidate[] {
  const length = Math.max(0, Math.min(limit, to - from))
  return Array.from({ length }, (_, i) => ({ place: isNewestFirst ? to - 1 - i : from + i, mayMatch: true }))
}
