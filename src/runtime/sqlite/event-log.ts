import type { LedgerEntry } from '../../ledger/ledger.ts'
import { viewOf } from '../../ledger/merge-deliveries.ts'
import { type AskedQuery, fieldsAsked, isWanted } from '../../ledger/query/terms.ts'
import { membersOf } from '../../watch/findings/finding-record.ts'
import type { Watching } from '../../watch/watching.ts'
import type { EventTable } from './event-table.ts'
import { HeldDeliveries } from './held-deliveries.ts'
import type { Sql } from './sql.ts'
import { LogWatch } from './watch/log-watch.ts'
import { WatchTables } from './watch/watch-tables.ts'

/** Most held records that one call returns. */
const MAX_HELD = 1_000

/** The log in tables of SQLite: gives each entry its index, a delivery when it is put together with others of its view. */
export class EventLog {
  readonly events: EventTable
  readonly #held: HeldDeliveries
  /** The rules, if there are any. */
  readonly watch: LogWatch | undefined

  /** @param watching the rules in force. Without it, no record is watched */
  constructor(sql: Sql, events: EventTable, watching?: Watching) {
    this.events = events
    this.#held = new HeldDeliveries(sql)
    this.watch = watching && new LogWatch(new WatchTables(sql), events, watching)
  }

  /** When there is something to settle next, in milliseconds since 1970; infinity if nothing is held and no finding waits. */
  due(now: number): number {
    return Math.min(this.#held.due, this.watch?.due(now) ?? Number.POSITIVE_INFINITY)
  }

  /** Stores each entry once, however often it comes. To be called in a transaction. */
  append(entries: readonly LedgerEntry[], now: number): void {
    const placed = entries.flatMap(entry => {
      const view = viewOf(entry)
      if (view === undefined) return [entry]
      return this.events.has(entry.id) ? [] : this.#held.hold(view, entry, now)
    })
    this.#place([...placed, ...this.#held.release(now)], now)
  }

  /** Gives an index to the deliveries of views that are due, and escalates findings that are. To be called in a transaction. */
  settle(now: number): void {
    this.#place(this.#held.release(now), now)
    this.watch?.escalate(now)
  }

  /**
   * Gives entries their indexes, and has the rules look at those that are new. What they find is recorded, and the deliveries of
   * views that it touches get their indexes with it: an analyst who looks at a finding must see what left.
   */
  #place(entries: readonly LedgerEntry[], now: number): void {
    const { watch } = this
    let added = this.events.append(entries)
    while (watch !== undefined && added.length > 0) {
      const { records, opened } = watch.observe(added, now)
      if (records.length === 0) return
      const released = opened.length === 0 ? [] : this.#held.releaseWith(membersOf(opened))
      added = this.events.append([...records, ...released])
    }
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
