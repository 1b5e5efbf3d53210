import { logFault, NOT_SHOWN } from '../../base/storage-fault.ts'
import { withTimeout } from '../../base/timeout.ts'
import type { LedgerEntry } from '../../ledger/ledger.ts'
import type { InboxStub } from './bindings.ts'

/** How the log reaches its inboxes, and stores what they hold. */
export interface Pulling {
  inbox(id: string): Pick<InboxStub, 'take'>
  /** Stores entries, each once: all of them or, if it throws, none. */
  store(entries: readonly LedgerEntry[]): void
  now(): number
}

/** What a round came to. */
interface Round {
  /** Whether an inbox held anything. */
  readonly hasFound: boolean
  /** Whether an inbox holds more. */
  readonly more: boolean
}

/** How long entries are collected before a round, in milliseconds. */
const COLLECT = 150
/** How long an inbox may take for a batch, in milliseconds. A round goes on without one that is late. */
const PATIENCE = 1_000

/**
 * Pulls entries out of the inboxes of the log, round after round as long as one holds anything. A round asks all inboxes at
 * once, and stores what they held in the order of the ids, which is by time.
 *
 * A round takes what came to the inboxes before it began. If a request follows another one, both their entries or only the
 * first one's came before that. So a record never has a higher index than that of a request that began after its answer, as
 * far as the clocks agree, whichever inboxes the two went to.
 */
export class InboxPuller {
  readonly #pulling: Pulling
  /** Every inbox that has called, and the receipt for what it handed over last. */
  readonly #inboxes = new Map<string, string | undefined>()
  #current: Promise<Round> | undefined
  #next: Promise<Round> | undefined
  #running: Promise<void> | undefined
  /** Whether an inbox has called since the last round began. */
  #isCalled = false

  constructor(pulling: Pulling) {
    this.#pulling = pulling
  }

  /** Pulls until the inboxes are empty. Called by an inbox that holds something. Rejects if nothing can be stored. */
  pull(inbox: string): Promise<void> {
    this.#know(inbox)
    this.#isCalled = true
    return this.#runOn()
  }

  /**
   * Resolves when what the inboxes held at the time of the call is stored, as far as they hand it over in one round. Never
   * rejects: a log that can't store anything can still be read.
   */
  async catchUp(inboxes: readonly string[]): Promise<void> {
    for (const inbox of inboxes) this.#know(inbox)
    const failed = (error: unknown) => logFault('the log stores nothing', error, NOT_SHOWN)
    const round = await this.#nextRound().catch(failed)
    // The rest goes on by itself: an object of an earlier version may hold a million.
    if (round?.more) this.#runOn().catch(failed)
  }

  #know(inbox: string): void {
    if (!this.#inboxes.has(inbox)) this.#inboxes.set(inbox, undefined)
  }

  #runOn(): Promise<void> {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #run(): Promise<void> {
    for (let round: Round | undefined; round === undefined || round.hasFound || this.#isCalled; ) {
      if (!round?.more) await new Promise(resolve => setTimeout(resolve, COLLECT))
      this.#isCalled = false
      round = await this.#nextRound()
    }
  }

  /** Begins a round after the one under way. All who ask before it begins share it. */
  #nextRound(): Promise<Round> {
    this.#next ??= this.#begin(this.#current)
    return this.#next
  }

  async #begin(before: Promise<Round> | undefined): Promise<Round> {
    await before?.catch(() => {})
    this.#current = this.#next
    this.#next = undefined
    return this.#round()
  }

  async #round(): Promise<Round> {
    const until = this.#pulling.now()
    const taken = await Promise.all([...this.#inboxes].map(([id, receipt]) => this.#take(id, receipt, until)))
    const entries = taken.flatMap(batch => batch?.entries ?? [])
    this.#pulling.store(entries.sort((a, b) => (a.id < b.id ? -1 : 1)))
    for (const batch of taken) if (batch) this.#inboxes.set(batch.inbox, batch.receipt)
    return { hasFound: entries.length > 0, more: taken.some(batch => batch?.more) }
  }

  async #take(inbox: string, receipt: string | undefined, until: number) {
    try {
      const batch = await withTimeout(PATIENCE, this.#pulling.inbox(inbox).take(receipt, until))
      return { ...batch, inbox }
    } catch (error) {
      logFault('the log pulled nothing from an inbox', error, 'the Durable Object failed')
      return undefined
    }
  }
}
