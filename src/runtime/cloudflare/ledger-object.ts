import { DurableObject } from 'cloudflare:workers'
import { logFault, StorageFault } from '../../base/storage-fault.ts'
import type { LedgerEntry } from '../../ledger/ledger.ts'
import type { SqlStorage } from '../sqlite/sql.ts'
import type { DurableState, LogNamespace } from './bindings.ts'
import { storageOf } from './durable-storage.ts'
import { Inbox, type TakenBatch } from './inbox.ts'

/** How long to wait after the log has failed, in milliseconds. */
const PAUSE = 2_000
/** After so long, in milliseconds, an alarm looks for entries that a crash left behind. */
const ALARM = 10_000
/** A Durable Object holds 10 GB. A full inbox takes nothing more, and the spool has to. In bytes. */
const FULL = 8 * 2 ** 30

/**
 * An inbox of the log: a Durable Object that keeps entries until the log has pulled them. When a call to `append` resolves,
 * the entries are durable: the object's output gate holds the answer back until then.
 *
 * The class has the name from when each of its objects was a part of the log. Such an object hands over what it holds from
 * then before anything else.
 */
export class LedgerObject extends DurableObject {
  readonly #state: DurableState
  readonly #logs: LogNamespace
  readonly #storage: SqlStorage
  readonly #inbox: Inbox
  /** Whether the log knows that something waits here. */
  #isCalling = false
  /** Before this time the log is not called, as it has failed. */
  #pausedUntil = 0
  #alarmAt = 0

  constructor(state: DurableState, env: unknown) {
    super(state as never, env as never)
    this.#state = state
    this.#logs = (env as { readonly LOG: LogNamespace }).LOG
    this.#storage = storageOf(state)
    this.#inbox = new Inbox(this.#storage)
    // The id says in which jurisdiction the log is. An alarm comes with no arguments.
    this.#storage.sql('CREATE TABLE IF NOT EXISTS log (id TEXT PRIMARY KEY) STRICT')
  }

  /**
   * Keeps entries: all of them or, if it throws, none.
   *
   * @param log id of the log that they are for. An inbox has one log for good
   */
  append(entries: readonly LedgerEntry[], log: string): void {
    if (this.#state.storage.sql.databaseSize > FULL) throw new StorageFault('the inbox is full')
    this.#storage.transaction(() => {
      this.#inbox.add(entries, Date.now())
      this.#storage.sql('INSERT INTO log (id) VALUES (?) ON CONFLICT DO NOTHING', log)
    })
    this.#setAlarm(ALARM)
    void this.#callLog()
  }

  /** Hands over what has waited longest, and drops what the receipt is for. Called by the log. */
  take(receipt: string | undefined, until: number): TakenBatch {
    return this.#inbox.take(receipt, until)
  }

  /** Returns how long something has waited here, in milliseconds. */
  age(): number {
    const now = Date.now()
    return Math.max(now - (this.#inbox.oldest ?? now), 0)
  }

  /** Calls the log again, after a crash or if it was down. */
  async alarm(): Promise<void> {
    this.#alarmAt = 0
    if (!this.#inbox.isEmpty) this.#setAlarm(ALARM)
    void this.#callLog()
  }

  /** Has the log pull what is here, until nothing is. */
  async #callLog(): Promise<void> {
    if (this.#isCalling || Date.now() < this.#pausedUntil) return
    this.#isCalling = true
    try {
      while (!this.#inbox.isEmpty) {
        const [{ id } = { id: '' }] = this.#storage.sql<{ id: string }>('SELECT id FROM log')
        await this.#logs.get(this.#logs.idFromString(id)).pull(`${this.#state.id}`)
      }
    } catch (error) {
      logFault('the log took no records, an inbox keeps them', error, 'the Durable Object of the log failed')
      this.#pausedUntil = Date.now() + PAUSE
      this.#alarmAt = 0
      this.#setAlarm(PAUSE)
    }
    this.#isCalling = false
  }

  /** Sets an alarm in so many milliseconds, unless one is set. */
  #setAlarm(milliseconds: number): void {
    if (this.#alarmAt > Date.now()) return
    this.#alarmAt = Date.now() + milliseconds
    void this.#state.storage.setAlarm(this.#alarmAt)
  }
}
