import { DurableObject } from 'cloudflare:workers'
import type { LedgerEntry } from '../../ledger/ledger.ts'
import { EventTable, type TablePage, type TableQuery } from '../sqlite/event-table.ts'
import type { LedgerState } from './bindings.ts'

/**
 * One shard of the ledger: a Durable Object with SQLite, the single writer of its part of the log. When a call to
 * `record` resolves, the write is confirmed: the object's output gate holds the answer back until then.
 */
export class LedgerObject extends DurableObject {
  readonly #events: EventTable

  constructor(state: LedgerState, env: unknown) {
    super(state as never, env as never)
    const { sql } = state.storage
    this.#events = new EventTable(
      (statement, ...parameters) => sql.exec(statement, ...parameters).toArray() as never,
    )
  }

  /** Stores an entry once, however often it is sent. */
  record(entry: LedgerEntry): void {
    this.#events.insert(entry)
  }

  /** Entries after a number, by rising number; with `latest` the last ones. */
  read(query: TableQuery): TablePage {
    return this.#events.read(query)
  }
}
