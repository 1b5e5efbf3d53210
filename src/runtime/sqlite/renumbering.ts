import type { Numbering } from './event-table.ts'
import type { Sql } from './sql.ts'

/** Where a run of old numbers without a gap begins, and at which place its first entry is now. */
interface Run {
  readonly seq: number
  readonly place: number
}

/**
 * Keeps the cursors of a table that was moved from an older version valid. There an entry had a number from 1 up with
 * gaps, and a cursor was the number of the last entry read. Now entries have places without gaps, and a cursor is the last
 * place read. To keep the two apart, the last old number is added to each new cursor. A table that was never moved has no
 * runs, and adds 0.
 */
export class Renumbering implements Numbering {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
    sql('CREATE TABLE IF NOT EXISTS renumbered (seq INTEGER PRIMARY KEY, place INTEGER NOT NULL) STRICT')
  }

  /** Notes at which place an old number is now. To be called for each one, by rising number. */
  note({ seq, place }: Run): void {
    const last = this.#last()
    if (last === undefined || seq - last.seq !== place - last.place) this.#insert({ seq, place })
  }

  /** Ends the old numbers, when there are so many places. */
  finish(size: number): void {
    const last = this.#last()
    if (last !== undefined) this.#insert({ seq: last.seq + size + 1 - last.place, place: size + 1 })
  }

  /** What a cursor is above the last place read: the last old number, 0 if there was none. */
  get offset(): number {
    return (this.#last()?.seq ?? 1) - 1
  }

  /** Returns the last place that a cursor says was read; 0 if none was. */
  readAt(cursor: number): number {
    const { offset } = this
    if (cursor > offset) return cursor - offset
    const [run] = this.#sql<Run>(
      'SELECT seq, place FROM renumbered WHERE seq <= ? ORDER BY seq DESC LIMIT 1',
      cursor,
    )
    const [next] = this.#sql<Run>(
      'SELECT seq, place FROM renumbered WHERE seq > ? ORDER BY seq LIMIT 1',
      cursor,
    )
    if (run === undefined || next === undefined) return 0
    return Math.min(run.place + cursor - run.seq, next.place - 1)
  }

  #last(): Run | undefined {
    return this.#sql<Run>('SELECT seq, place FROM renumbered ORDER BY seq DESC LIMIT 1')[0]
  }

  #insert({ seq, place }: Run): void {
    this.#sql('INSERT INTO renumbered (seq, place) VALUES (?, ?)', seq, place)
  }
}
