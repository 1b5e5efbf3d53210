import type { LedgerEntry } from '../../ledger/ledger.ts'
import { portions } from '../sqlite/portions.ts'
import type { SqlStorage } from '../sqlite/sql.ts'

/** Entries that wait, the oldest first. */
export interface TakenBatch {
  readonly entries: readonly LedgerEntry[]
  /** Says that the log has them, in the next call to `take`. Undefined if there are none. */
  readonly receipt?: string
  /** Whether more waits that came in time: the batch was full. */
  readonly more: boolean
}

/** Most characters of a row. */
const MAX_ROW = 512 * 1024
/** A batch of so many characters takes no further row: 64 inboxes may hand over theirs at once, and the log has 128 MB. */
const FULL_BATCH = 512 * 1024
/** Most rows of a batch. */
const MAX_ROWS = 500
/** Tables of an earlier version, in which an object kept its part of the log, in the order of its records. */
const EARLIER = ['event', 'event_before']
/** Their indexes. */
const EARLIER_INDEXES = ['event_index', 'event_batch', 'renumbered']

/**
 * Entries that wait until the log has them, as rows of SQLite. What came in one call is one row, as a Durable Object is
 * billed by rows. Whether an entry came before isn't known here: the log stores each id once.
 */
export class Inbox {
  readonly #storage: SqlStorage
  /** Tables of an earlier version that are not handed over yet. */
  readonly #earlier: string[]
  /**
   * What was handed over last. Kept in memory: after a restart the receipt for it is unknown, and it is handed over again.
   * So no receipt that comes late can drop what came later.
   */
  #handedOver: { readonly receipt: string; readonly drop: () => void } | undefined

  constructor(storage: SqlStorage) {
    this.#storage = storage
    const { sql } = storage
    sql(
      'CREATE TABLE IF NOT EXISTS waiting (number INTEGER PRIMARY KEY, came INTEGER NOT NULL, entries TEXT NOT NULL) STRICT',
    )
    const tables = sql<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
    this.#earlier = EARLIER.filter(name => tables.some(table => table.name === name))
  }

  get isEmpty(): boolean {
    return this.#earlier.length === 0 && this.#storage.sql('SELECT 1 FROM waiting LIMIT 1').length === 0
  }

  /** When the entries came that have waited longest, in milliseconds since 1970. Undefined if none waits. */
  get oldest(): number | undefined {
    const [row] = this.#storage.sql<{ came: number }>('SELECT came FROM waiting ORDER BY number LIMIT 1')
    return this.#earlier.length > 0 ? 0 : row?.came
  }

  /** Keeps entries. To be called in a transaction. */
  add(entries: readonly LedgerEntry[], now: number): void {
    for (const row of portions(entries, MAX_ROW)) {
      this.#storage.sql('INSERT INTO waiting (came, entries) VALUES (?, ?)', now, JSON.stringify(row))
    }
  }

  /**
   * Hands over what has waited longest, and drops what the receipt is for.
   *
   * @param until hands over only what came at this time or before, in milliseconds since 1970
   */
  take(receipt: string | undefined, until: number): TakenBatch {
    if (this.#handedOver !== undefined && this.#handedOver.receipt === receipt) this.#handedOver.drop()
    const [table] = this.#earlier
    const { entries, more, drop } = table === undefined ? this.#next(until) : this.#nextOf(table)
    this.#handedOver = entries.length === 0 ? undefined : { receipt: crypto.randomUUID(), drop }
    return { entries, ...(this.#handedOver && { receipt: this.#handedOver.receipt }), more }
  }

  #next(until: number): Batch {
    const { sql } = this.#storage
    const rows = sql<{ number: number; entries: string }>(
      `SELECT number, entries FROM (
        SELECT number, entries, sum(length(entries)) OVER (ORDER BY number) - length(entries) AS before
        FROM (SELECT * FROM waiting WHERE came <= ? ORDER BY number LIMIT ?)
      ) WHERE before < ?`,
      ...[until, MAX_ROWS, FULL_BATCH],
    )
    const last = rows.at(-1)?.number ?? 0
    return {
      entries: rows.flatMap(({ entries }) => JSON.parse(entries) as LedgerEntry[]),
      more: sql('SELECT 1 FROM waiting WHERE number > ? AND came <= ? LIMIT 1', last, until).length > 0,
      // Not by the number alone: if the clock was set back, a lower one may have come too late for this batch.
      drop: () => sql('DELETE FROM waiting WHERE number <= ? AND came <= ?', last, until),
    }
  }

  /** Returns records of a table that an earlier version wrote. Its rows are numbered in the order of the records. */
  #nextOf(table: string): Batch {
    const { sql, transaction } = this.#storage
    const rows = sql<LedgerEntry & { number: number }>(
      `SELECT rowid AS number, id, json FROM ${table} ORDER BY rowid LIMIT ?`,
      MAX_ROWS,
    )
    const drop = () =>
      transaction(() => {
        sql(`DELETE FROM ${table} WHERE rowid <= ?`, rows.at(-1)?.number ?? 0)
        if (sql(`SELECT 1 FROM ${table} LIMIT 1`).length > 0) return
        for (const name of [table, ...EARLIER_INDEXES]) sql(`DROP TABLE IF EXISTS ${name}`)
        this.#earlier.shift()
      })
    // A table without rows is never handed over, and so has no receipt.
    if (rows.length === 0) drop()
    // What came since waits behind these.
    return { entries: rows.map(({ id, json }) => ({ id, json })), more: true, drop }
  }
}

interface Batch {
  readonly entries: readonly LedgerEntry[]
  readonly more: boolean
  readonly drop: () => void
}
