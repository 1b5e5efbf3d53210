import { clearTimeout, setTimeout } from 'node:timers'
import { logFault, NOT_SHOWN } from '../../base/storage-fault.ts'
import { settleDeliveries } from './held-deliveries.ts'
import { ROUND, takeRound } from './round.ts'
import { LOCKS } from './schema.ts'
import type { Session } from './session.ts'

/** How often the log looks into the inbox, in milliseconds. */
const LOOK_EVERY = 100
/** How often another process asks whether it is the log now, and how long each waits after a fault, in milliseconds. */
const ASK_EVERY = 1_000

/** How often the log looks which deliveries are due, in milliseconds. */
const SETTLE_EVERY = 10_000

/** Asks for the lock of the log, which a session holds until it ends. One that has it may ask again. */
const ELECTION = `SELECT pg_try_advisory_lock(${LOCKS.log}) AS elected`

/**
 * Takes part in the election of the log, and does its rounds if it is elected. One process of the fleet is, the one whose
 * session has a lock of the database. It looks into the inbox ten times a second: a notification (`NOTIFY`) would have all
 * commits of the database wait for each other, and this look also says that the process is there. The server ends a session
 * that has been silent for too long, as one of a process that hangs, and then another process has the lock.
 *
 * The lock decides only who works. Two processes that both believe to have it do no harm: see `takeRound`.
 */
export class ElectedLog {
  readonly #session: Session
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false
  /** When the log looks at deliveries next, on the process's clock. */
  #settlesAt = 0
  /** Whether the last turn failed. */
  #isFailing = false

  constructor(session: Session) {
    this.#session = session
    this.#goOn(0)
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  #goOn(wait: number): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(async () => this.#goOn(await this.#turn()), wait)
    // A timer is no reason for a process to stay.
    this.#timer.unref()
  }

  /** Asks, and does the work of the log if it is elected. Returns how long to wait before the next turn. */
  async #turn(): Promise<number> {
    try {
      const [row] = await this.#session.query<{ elected: boolean }>(ELECTION)
      const taken = row?.elected ? await takeRound(this.#session) : undefined
      if (taken !== undefined) await this.#settle()
      this.#isFailing = false
      if (taken === undefined) return ASK_EVERY
      return taken === ROUND ? 0 : LOOK_EVERY
    } catch (error) {
      // Said once, not every second of an outage.
      if (!this.#isFailing && !this.#isClosed) logFault('this process can not be the log', error, NOT_SHOWN)
      this.#isFailing = true
      return ASK_EVERY
    }
  }

  async #settle(): Promise<void> {
    if (performance.now() < this.#settlesAt) return
    const goesOn = await settleDeliveries(this.#session)
    if (!goesOn) this.#settlesAt = performance.now() + SETTLE_EVERY
  }
}
