import type { EventKind } from './event.ts'
import type { LedgerEntry } from './ledger.ts'

/** Runs a statement of SQLite and returns its rows; whatever runtime has the database. */
export type Sql = <Row extends object>(
  statement: string,
  ...parameters: readonly (string | number)[]
) => Row[]

/** An entry with its place in the table. */
export interface NumberedEntry extends LedgerEntry {
  readonly seq: number
}

/** What to read of one table. */
export interface TableQuery {
  readonly after: number
  readonly limit: number
  readonly since?: string
  readonly latest?: boolean
  readonly kind?: EventKind
}

/** The log as a table of SQLite: the same in a Durable Object and in a file. The caller is its only writer. */
export class EventTable {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
    // AUTOINCREMENT: a number is never given twice, so a reader's cursor never skips an entry.
    sql(
      'CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL)',
    )
  }

  /** Stores an entry once, however often it comes. */
  insert({ id, json }: LedgerEntry): void {
    this.#sql('INSERT INTO event (id, json) VALUES (?, ?) ON CONFLICT DO NOTHING', id, json)
  }

  /** Entries after a number, by rising number; with `latest` the last ones. */
  read({ after, limit, since = '', latest = false, kind }: TableQuery): NumberedEntry[] {
    const rows = this.#sql<NumberedEntry>(
      `SELECT seq, id, json FROM event WHERE seq > ? AND json ->> '$.t' >= ?${kind === undefined ? '' : " AND json ->> '$.kind' = ?"} ORDER BY seq ${latest ? 'DESC' : 'ASC'} LIMIT ?`,
      after,
      since,
      ...(kind === undefined ? [] : [kind]),
      limit,
    )
    return latest ? rows.toReversed() : rows
  }
}
