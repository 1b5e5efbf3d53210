import { DurableObject } from 'cloudflare:workers'
import type { AppendOutcome, LedgerEntry } from '../../ledger/ledger.ts'
import type { EventTable, TablePage, TableQuery } from '../sqlite/event-table.ts'
import { type EventLog, type Migration, openEvents } from '../sqlite/migration.ts'
import type { SqlStorage } from '../sqlite/sql.ts'
import type { LedgerState } from './bindings.ts'

/** How many records of an earlier version one alarm moves. The object answers no call meanwhile. */
const MIGRATION_STEP = 2_000

/**
 * One shard of the ledger: a Durable Object with SQLite, the single writer of its part of the log. When a call to
 * `append` resolves, the write is confirmed: the object's output gate holds the answer back until then.
 */
export class LedgerObject extends DurableObject {
  readonly #state: LedgerState
  readonly #storage: SqlStorage
  readonly #events: EventTable
  readonly #migration: Migration

  constructor(state: LedgerState, env: unknown) {
    super(state as never, env as never)
    const { sql } = state.storage
    this.#state = state
    this.#storage = {
      sql: (statement, ...parameters) => sql.exec(statement, ...parameters).toArray() as never,
      transaction: work => state.storage.transactionSync(work),
    }
    const { events, migration } = openEvents(this.#storage)
    this.#events = events
    this.#migration = migration
    if (!migration.isDone) void state.blockConcurrencyWhile(() => this.alarm())
  }

  get #log(): EventLog {
    return this.#migration.isDone ? this.#events : this.#migration
  }

  /** Stores each entry once, however often it is sent: all of them or, if it throws, none. */
  append(entries: readonly LedgerEntry[]): AppendOutcome[] {
    return this.#storage.transaction(() => this.#log.append(entries))
  }

  /** Reads entries after a cursor or, with `latest`, the last ones. Changes nothing. */
  read(query: TableQuery): TablePage {
    return this.#log.read(query)
  }

  /** Moves records of an earlier version on. What is left waits for another alarm, so that calls come in between. */
  async alarm(): Promise<void> {
    this.#migration.step(MIGRATION_STEP)
    // A time that is past: at once.
    if (!this.#migration.isDone) await this.#state.storage.setAlarm(1)
  }
}
