import type { LedgerEntry } from '../../ledger/ledger.ts'
import { viewOf } from '../../ledger/merge-deliveries.ts'
import { type AskedQuery, fieldsAsked, isWanted } from '../../ledger/query/terms.ts'
import type { EventTable } from './event-table.ts'
import { HeldDeliveries } from './held-deliveries.ts'
import type { Sql } from './sql.ts'

/** Most held records that one call returns. */
const MAX_HELD = 1_000

/** The log in tables of SQLite: gives each entry its index, a delivery when it is put together with others of its view. */
export class EventLog {
  readonly events: EventTable
  readonly #held: HeldDeliveries

  constructor(sql: Sql, events: EventTable) {
    this.events = events
    this.#held = new HeldDeliveries(sql)
  }

  /** When the next view is due, in milliseconds since 1970; infinity if nothing is held. */
  get due(): number {
    return this.#held.due
  }

  /** Stores each entry once, however often it comes. To be called in a transaction. */
  append(entries: readonly LedgerEntry[], now: number): void {
    const placed = entries.flatMap(entry => {
      const view = viewOf(entry)
      if (view === undefined) return [entry]
      return this.events.has(entry.id) ? [] : this.#held.hold(view, entry, now)
    })
    this.events.append([...placed, ...this.#held.release(now)])
  }

  /** Gives an index to the deliveries of views that are due. To be called in a transaction. */
  settle(now: number): void {
    this.events.append(this.#held.release(now))
  }

  /** Returns the deliveries that are held and match a query. */
  held(query: AskedQuery): readonly LedgerEntry[] {
    const fields = fieldsAsked(query)
    return this.#held
      .all()
      .filter(({ json }) => isWanted(json, query, fields))
      .slice(0, MAX_HELD)
  }
}
