import { DurableObject } from 'cloudflare:workers'
import { Arrivals } from '../../ledger/arrivals.ts'
import type { CountQuery, RecordCount } from '../../ledger/ledger.ts'
import { EventTable, type TablePage, type TableQuery } from '../sqlite/event-table.ts'
import type { DurableState, LedgerNamespace } from './bindings.ts'
import { storageOf } from './durable-storage.ts'
import { InboxPuller } from './inbox-puller.ts'

/** The log: one Durable Object, which pulls entries out of the inboxes and gives each its index. */
export class LogObject extends DurableObject {
  readonly #events: EventTable
  readonly #puller: InboxPuller
  readonly #arrivals = new Arrivals()

  constructor(state: DurableState, env: unknown) {
    super(state as never, env as never)
    const storage = storageOf(state)
    const inboxes = (env as { readonly LEDGER: LedgerNamespace }).LEDGER
    const events = new EventTable(storage.sql)
    this.#events = events
    this.#puller = new InboxPuller({
      inbox: id => inboxes.get(inboxes.idFromString(id)),
      store: entries => {
        storage.transaction(() => events.append(entries))
        this.#arrivals.announce()
      },
      now: Date.now,
    })
  }

  /** Pulls until the inboxes are empty. Called by an inbox that holds something, with its own id. */
  pull(inbox: string): Promise<void> {
    return this.#puller.pull(inbox)
  }

  /**
   * Reads entries, among them all that the inboxes held before the call.
   *
   * @param inboxes ids of the inboxes
   */
  async read(query: TableQuery, inboxes: readonly string[]): Promise<TablePage> {
    await this.#puller.catchUp(inboxes)
    return this.#events.read(query)
  }

  /** Counts records, as `Ledger.count` does. */
  count(query: CountQuery): readonly RecordCount[] {
    return this.#events.count(query)
  }

  /** Resolves when something is stored after a cursor, or after so many milliseconds. */
  waitAfter(cursor: number, milliseconds: number): Promise<void> {
    return this.#arrivals.wait(() => this.#events.size > cursor, milliseconds)
  }
}
