import { logToOperator } from '../../base/operator.ts'
import type { AppendOutcome, LedgerEntry } from '../../ledger/ledger.ts'
import { EventTable, type TablePage, type TableQuery } from './event-table.ts'
import { Renumbering } from './renumbering.ts'
import type { SqlStorage } from './sql.ts'

/** What a ledger asks of its tables. */
export interface EventLog {
  /** Stores each entry once, however often it comes. To be called in a transaction. */
  append(entries: readonly LedgerEntry[]): AppendOutcome[]
  /** Reads entries after a cursor or, with `latest`, the last ones. Changes nothing. */
  read(query: TableQuery): TablePage
}

interface OldRow extends LedgerEntry {
  readonly seq: number
}

/**
 * Opens the tables of a log. The table of an earlier version had only a number, an id and the JSON of an entry. It is set
 * aside at once; a {@link Migration} then moves its rows, step by step.
 */
export function openEvents(storage: SqlStorage): {
  readonly events: EventTable
  readonly migration: Migration
} {
  return storage.transaction(() => {
    const { sql } = storage
    const [old] = sql<{ sql: string }>(
      "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'event'",
    )
    if (old?.sql.includes('AUTOINCREMENT')) sql('ALTER TABLE event RENAME TO event_before')
    const events = new EventTable(sql)
    return { events, migration: new Migration(storage, events) }
  })
}

/**
 * Moves the rows of an older version into the table of this one. Each step is a transaction, so each row is in one of the
 * two tables at any time, and a crash loses only the step. Until the last step new entries queue up behind the old ones,
 * and nothing can be read: the order of the log would show a gap.
 */
export class Migration implements EventLog {
  readonly #storage: SqlStorage
  readonly #events: EventTable
  readonly #renumbering: Renumbering
  #isDone: boolean

  constructor(storage: SqlStorage, events: EventTable) {
    const { sql } = storage
    this.#storage = storage
    this.#events = events
    this.#renumbering = new Renumbering(sql)
    this.#isDone = sql("SELECT 1 FROM sqlite_master WHERE name = 'event_before'").length === 0
    if (this.#isDone) return
    const [{ count } = { count: 0 }] = sql<{ count: number }>('SELECT count(*) AS count FROM event_before')
    logToOperator(
      `the ledger moves ${count} records of an earlier version into tables with an index; readers' cursors stay valid`,
    )
  }

  /** Whether all rows are moved, or there were none. From then on the tables themselves are to be used. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** Moves some rows, the oldest first. */
  step(limit: number): void {
    if (this.#isDone) return
    this.#isDone = this.#storage.transaction(() => {
      const { sql } = this.#storage
      const rows = sql<OldRow>('SELECT seq, id, json FROM event_before ORDER BY seq LIMIT ?', limit)
      const { size } = this.#events
      this.#events.append(rows)
      for (const [i, { seq }] of rows.entries()) this.#renumbering.note({ seq, place: size + 1 + i })
      sql('DELETE FROM event_before WHERE seq <= ?', rows.at(-1)?.seq ?? 0)
      if (rows.length === limit) return false
      this.#renumbering.finish(this.#events.size)
      sql('DROP TABLE event_before')
      return true
    })
  }

  /** Stores each entry once behind the rows that are still to be moved. To be called in a transaction. */
  append(entries: readonly LedgerEntry[]): AppendOutcome[] {
    return entries.map(({ id, json }) => {
      const rows = this.#storage.sql(
        `INSERT INTO event_before (id, json) SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM event WHERE id = ?)
          ON CONFLICT DO NOTHING RETURNING seq`,
        ...[id, json, id],
      )
      return rows.length === 0 ? 'present' : 'added'
    })
  }

  /** @throws Error always: nothing can be read before the last row is moved */
  read(): never {
    throw new Error('the ledger can be read when it has moved its records')
  }
}
