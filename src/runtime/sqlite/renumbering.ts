import type { Sql } from './sql.ts'

/** Where a run of old numbers without a gap begins, and which leaf its first entry has now. */
interface Run {
  readonly seq: number
  readonly leaf: number
}

/**
 * Keeps the cursors of a table that was moved from an older version valid. There an entry had a number from 1 up with
 * gaps, and a cursor was the number of the last entry read. Now entries have leaves without gaps, and a cursor is how
 * many entries were read. Above the last old number both can be told apart: that number is added to each new cursor. A
 * table that was never moved has no runs, and adds 0.
 */
export class Renumbering {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
    sql('CREATE TABLE IF NOT EXISTS renumbered (seq INTEGER PRIMARY KEY, leaf INTEGER NOT NULL) STRICT')
  }

  /** Notes which leaf an old number has now. To be called for each one, by rising number, while the table is moved. */
  note({ seq, leaf }: Run): void {
    const last = this.#last()
    if (last === undefined || seq - last.seq !== leaf - last.leaf) this.#insert({ seq, leaf })
  }

  /** Ends the old numbers: what `size` entries were is all there is of them. */
  finish(size: number): void {
    const last = this.#last()
    if (last !== undefined) this.#insert({ seq: last.seq + size - last.leaf, leaf: size })
  }

  /** What a cursor is above the number of entries read: the last old number, 0 if there was none. */
  get offset(): number {
    return (this.#last()?.seq ?? 1) - 1
  }

  /** Returns the first leaf after what a cursor says was read. */
  leafAfter(cursor: number): number {
    const { offset } = this
    if (cursor > offset) return cursor - offset
    const [run] = this.#sql<Run>(
      'SELECT seq, leaf FROM renumbered WHERE seq <= ? ORDER BY seq DESC LIMIT 1',
      cursor,
    )
    const [next] = this.#sql<Run>(
      'SELECT seq, leaf FROM renumbered WHERE seq > ? ORDER BY seq LIMIT 1',
      cursor,
    )
    if (run === undefined || next === undefined) return 0
    return Math.min(run.leaf + cursor - run.seq + 1, next.leaf)
  }

  #last(): Run | undefined {
    return this.#sql<Run>('SELECT seq, leaf FROM renumbered ORDER BY seq DESC LIMIT 1')[0]
  }

  #insert({ seq, leaf }: Run): void {
    this.#sql('INSERT INTO renumbered (seq, leaf) VALUES (?, ?)', seq, leaf)
  }
}
