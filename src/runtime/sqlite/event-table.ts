import type { EventKind } from '../../ledger/event.ts'
import type { LedgerEntry } from '../../ledger/ledger.ts'

/** Runs a statement of SQLite and returns its rows; whatever runtime has the database. */
export type Sql = <Row extends object>(
  statement: string,
  ...parameters: readonly (string | number)[]
) => Row[]

/** An entry with its place in the table. */
export interface NumberedEntry extends LedgerEntry {
  readonly seq: number
}

/** Some entries of one table, by rising number. */
export interface TablePage {
  readonly entries: readonly NumberedEntry[]
  /** The number up to which the table was read: of the last entry, or of the table's last one if there is no more. */
  readonly end: number
}

/** What to read of one table. */
export interface TableQuery {
  readonly after: number
  readonly limit: number
  readonly since?: string
  readonly latest?: boolean
  readonly kind?: EventKind
  readonly tenant?: string
}

// Only the answers of lists are objects: those of a delivery are a number. json_each has a column of its own called json.
const OF_TENANT = `(? IN (json ->> '$.tenant', json ->> '$.recording_tenant') OR EXISTS (
  SELECT 1 FROM json_each(event.json, '$.answers') AS answer
  WHERE answer.type = 'object' AND answer.value ->> '$.recording_tenant' = ?))`

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
  read({ after, limit, since, latest = false, kind, tenant }: TableQuery): TablePage {
    const conditions = ['seq > ?']
    const parameters: (string | number)[] = [after]
    if (since !== undefined) {
      conditions.push("coalesce(json ->> '$.recorded', json ->> '$.t') >= ?")
      parameters.push(since)
    }
    if (kind !== undefined) {
      conditions.push("json ->> '$.kind' = ?")
      parameters.push(kind)
    }
    if (tenant !== undefined) {
      conditions.push(OF_TENANT)
      parameters.push(tenant, tenant)
    }
    const rows = this.#sql<NumberedEntry>(
      `SELECT seq, id, json FROM event WHERE ${conditions.join(' AND ')} ORDER BY seq ${latest ? 'DESC' : 'ASC'} LIMIT ?`,
      ...parameters,
      limit,
    )
    const entries = latest ? rows.toReversed() : rows
    const last = entries.at(-1)
    return {
      entries,
      end: !latest && last !== undefined && rows.length === limit ? last.seq : this.#end(after),
    }
  }

  /** The number of the last entry: a reader that goes on from there is shown nothing that was left out before. */
  #end(after: number): number {
    const [last] = this.#sql<{ seq: number | null }>('SELECT max(seq) AS seq FROM event')
    return Math.max(after, last?.seq ?? 0)
  }
}
