import { DurableObject } from 'cloudflare:workers'
import type { CountQuery, LedgerEntry, RecordCount } from '../../ledger/ledger.ts'
import { Arrivals } from '../../ledger/query/arrivals.ts'
import type { AskedQuery } from '../../ledger/query/terms.ts'
import { EventLog } from '../sqlite/event-log.ts'
import { EventTable, type TablePage, type TableQuery } from '../sqlite/event-table.ts'
import type { SqlStorage } from '../sqlite/sql.ts'
import type { DurableState, LedgerNamespace } from './bindings.ts'
import { storageOf } from './durable-storage.ts'
import { InboxPuller } from './inbox-puller.ts'

/** The log: one Durable Object, which pulls entries out of the inboxes and gives each its index. */
export class LogObject extends DurableObject {
  readonly #state: DurableState
  readonly #storage: SqlStorage
  readonly #log: EventLog
  readonly #puller: InboxPuller
  readonly #arrivals = new Arrivals()
  /** When the alarm goes off; 0 if none is set that this instance knows of. */
  #alarmAt = 0

  constructor(state: DurableState, env: unknown) {
    super(state as never, env as never)
    this.#state = state
    this.#storage = storageOf(state)
    const inboxes = (env as { readonly LEDGER: LedgerNamespace }).LEDGER
    this.#log = new EventLog(this.#storage.sql, new EventTable(this.#storage.sql))
    this.#puller = new InboxPuller({
      inbox: id => inboxes.get(inboxes.idFromString(id)),
      store: entries => this.#store(entries),
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
    return this.#log.events.read(query)
  }

  /** Counts records, as `Ledger.count` does. */
  count(query: CountQuery): readonly RecordCount[] {
    return this.#log.events.count(query)
  }

  /** Returns the deliveries that are held, as `Ledger.held` does. */
  held(query: AskedQuery): readonly LedgerEntry[] {
    return this.#log.held(query)
  }

  /** Resolves when something is stored after a cursor, or after so many milliseconds. */
  waitAfter(cursor: number, milliseconds: number): Promise<void> {
    return this.#arrivals.wait(() => this.#log.events.end > cursor, milliseconds)
  }

  /** Gives an index to the deliveries of views that are due. */
  async alarm(): Promise<void> {
    this.#alarmAt = 0
    this.#store([])
  }

  #store(entries: readonly LedgerEntry[]): void {
    const { end } = this.#log.events
    this.#storage.transaction(() => this.#log.append(entries, Date.now()))
    // A reader's round often finds nothing. If it woke the others, their rounds would wake it.
    if (this.#log.events.end > end) this.#arrivals.announce()
    const { due } = this.#log
    if (due === Number.POSITIVE_INFINITY || this.#alarmAt !== 0) return
    this.#alarmAt = due
    void this.#state.storage.setAlarm(due)
  }
}
