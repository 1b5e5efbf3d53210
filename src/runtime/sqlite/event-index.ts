import { type AskedField, parseEvent, recordedAt, termsOf } from './event-terms.ts'
import type { Sql } from './sql.ts'

/** The places from one up to another, which is not one of them. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Which places of a span to look at: the first `limit` of them or, for the latest, the last ones, from the last on. */
export interface Look extends Span {
  readonly limit: number
  readonly latest: boolean
}

/** A place whose record a query may ask for. */
export interface Candidate {
  readonly place: number
  /** False if the index rules the record out. */
  readonly mayMatch: boolean
}

/** So many records are entered together. The newest ones, fewer than that, are always looked at one by one. */
export const BATCH = 64

/**
 * The index of the log: at which places a term occurs, and what time each batch reaches. Leads to records, and decides
 * nothing: each record is matched by its JSON. So an error here can hide a record, never show a wrong one.
 *
 * Entering a record at once would dirty a page of the database for each term, and make a single append three times as
 * long. So the append that completes a batch enters all of it. Times are found by halving: `reached`, the latest
 * `recorded` so far, never falls from one batch to the next, and no batch is missing.
 */
export class EventIndex {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
    sql(`CREATE TABLE IF NOT EXISTS event_index (
      field TEXT NOT NULL, value TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (field, value, place)
    ) STRICT, WITHOUT ROWID`)
    sql('CREATE TABLE IF NOT EXISTS event_batch (batch INTEGER PRIMARY KEY, reached INTEGER NOT NULL) STRICT')
  }

  /** Enters all records that fill a batch. To be called in a transaction, with the number of all records. */
  extend(size: number): void {
    let { batches, reached } = this.#end()
    for (; (batches + 1) * BATCH <= size; batches += 1) {
      const from = batches * BATCH
      const rows = this.#sql<{ place: number; json: string }>(
        'SELECT place, json FROM event WHERE place > ? AND place <= ?',
        ...[from, from + BATCH],
      )
      const events = rows.map(({ place, json }) => ({ place, event: parseEvent(json) }))
      this.#sql(
        `INSERT INTO event_index (field, value, place)
          SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)`,
        JSON.stringify(events.flatMap(({ place, event }) => termsOf(event).map(term => [...term, place]))),
      )
      reached = Math.max(reached, ...events.map(({ event }) => recordedAt(event)))
      this.#sql('INSERT INTO event_batch (batch, reached) VALUES (?, ?)', batches, reached)
    }
  }

  /** Returns a place before which nothing was recorded at a time or later: at most a batch before the first that was. */
  firstSince(time: number): number {
    let [low, high] = [0, this.#end().batches]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [row] = this.#sql<{ reached: number }>('SELECT reached FROM event_batch WHERE batch = ?', middle)
      if (row !== undefined && row.reached >= time) high = middle
      else low = middle + 1
    }
    return low * BATCH + 1
  }

  /**
   * Returns the places at which a query looks next, in the order of looking. Fewer than `limit` only if there are no more.
   *
   * @param asked the fields that a record must match, the first of which leads to the places
   */
  candidates(asked: readonly AskedField[], look: Look): Candidate[] {
    const [lead, ...others] = asked
    if (lead === undefined) return candidatesIn(look)
    const { limit, latest } = look
    const newest = candidatesIn({ ...look, from: Math.max(look.from, this.#end().batches * BATCH + 1) })
    if (latest) return [...newest, ...this.#found(lead, others, { ...look, limit: limit - newest.length })]
    return [...this.#found(lead, others, look), ...newest].slice(0, limit)
  }

  #found(
    { field, values }: AskedField,
    others: readonly AskedField[],
    { from, to, limit, latest }: Look,
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
            ORDER BY place ${latest ? 'DESC' : 'ASC'} LIMIT ?`,
          ...others.flatMap(other => [other.field, ...other.values]),
          ...[field, value, from, to, limit],
        ),
      )
      .sort((a, b) => (latest ? b.place - a.place : a.place - b.place))
      .slice(0, limit)
      .map(({ place, matches }) => ({ place, mayMatch: matches === 1 }))
  }

  #end(): { readonly batches: number; readonly reached: number } {
    const [last] = this.#sql<{ batch: number; reached: number }>(
      'SELECT batch, reached FROM event_batch ORDER BY batch DESC LIMIT 1',
    )
    return last === undefined
      ? { batches: 0, reached: 0 }
      : { batches: last.batch + 1, reached: last.reached }
  }
}

function candidatesIn({ from, to, limit, latest }: Look): Candidate[] {
  const length = Math.max(0, Math.min(limit, to - from))
  return Array.from({ length }, (_, i) => ({ place: latest ? to - 1 - i : from + i, mayMatch: true }))
}
