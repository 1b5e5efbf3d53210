import { type Term, termsOf } from './event-terms.ts'
import type { Sql } from './sql.ts'

/** The places from one up to another, which is not one of them. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** So many records are entered together. The newest ones, fewer than that, are always looked at one by one. */
export const BATCH = 64

/**
 * The index of the log: at which places a term occurs, and what time each batch reaches. It only leads to records. Whether one is asked for is read from its JSON, so that an error here could hide a record and never show a wrong one.
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
      const events = rows.map(({ place, json }) => ({ place, ...termsOf(json) }))
      this.#sql(
        `INSERT INTO event_index (field, value, place)
          SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)`,
        JSON.stringify(events.flatMap(({ place, terms }) => terms.map(term => [...term, place]))),
      )
      reached = Math.max(reached, ...events.map(({ recorded }) => recorded))
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
   * Returns places of a span at which one of the terms may occur: the first ones or, for the latest, the last ones, these
   * from the last on. Fewer than `limit` only if there are no more.
   */
  candidates(terms: readonly Term[] | undefined, span: Span, limit: number, latest: boolean): number[] {
    if (terms === undefined) return placesOf(span, limit, latest)
    const tail = { from: Math.max(span.from, this.#end().batches * BATCH + 1), to: span.to }
    const found = (most: number) =>
      terms
        .flatMap(term =>
          this.#sql<{ place: number }>(
            `SELECT place FROM event_index WHERE field = ? AND value = ? AND place >= ? AND place < ?
              ORDER BY place ${latest ? 'DESC' : 'ASC'} LIMIT ?`,
            ...term,
            ...[span.from, span.to, most],
          ).map(({ place }) => place),
        )
        .sort((a, b) => (latest ? b - a : a - b))
        .slice(0, most)
    if (latest) {
      const newest = placesOf(tail, limit, latest)
      return [...newest, ...found(limit - newest.length)]
    }
    const oldest = found(limit)
    return [...oldest, ...placesOf(tail, limit - oldest.length, latest)]
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

function placesOf({ from, to }: Span, limit: number, latest: boolean): number[] {
  const length = Math.max(0, Math.min(limit, to - from))
  return Array.from({ length }, (_, i) => (latest ? to - 1 - i : from + i))
}
