import { clearTimeout, setTimeout } from 'node:timers'
import { logFault, NOT_SHOWN, StorageFault } from '../../base/storage-fault.ts'
import { ServerFault } from './fault.ts'
import { settleDeliveries } from './held-deliveries.ts'
import type { AnswerCall, LogCalls } from './log-calls.ts'
import { ROUND, takeRound } from './round.ts'
import { LOCKS } from './schema.ts'
import type { Session } from './session.ts'

/** How often the log looks into the inbox, in milliseconds. */
const LOOK_EVERY = 100
/** How often another process asks whether it is the log now, in milliseconds: what is found must not wait for a second. */
const ASK_EVERY = 250
/** How long each waits after a fault, in milliseconds. */
const WAIT = 1_000

/** How often the log looks which deliveries are due, in milliseconds. */
const SETTLE_EVERY = 10_000

/**
 * Asks for the lock of the log, which a session holds until it ends. One that has it may ask again. Also returns how many
 * records there are, and whether another process calls.
 */
const ELECTION = `
  SELECT pg_try_advisory_lock(${LOCKS.log}) AS elected,
    (SELECT coalesce(max(index), -1) + 1 FROM mediaward.event) AS size,
    EXISTS (SELECT FROM mediaward.log_call WHERE answer IS NULL) AS is_called`

interface Election {
  readonly elected: boolean
  readonly size: number
  readonly is_called: boolean
}

/** What a process does while it is the log, beside giving records their indexes. */
export interface LogWork {
  begin(): void
  /** There are more records than before. */
  wake(): void
  /** Ends what was begun. Another process may have begun it already. */
  end(): void
  /** Answers a call of another process, if this is what answers it. */
  readonly answer?: AnswerCall
  /** Whether a call is for this. Without it, all calls are that are for no other. */
  readonly answers?: (call: unknown) => boolean
}

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
  readonly #calls: LogCalls
  readonly #works: LogWork[] = []
  /** How many records what it does has been woken for; undefined while this process is not the log. */
  #size: number | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #isClosed = false
  /** When the log looks at deliveries next, on the process's clock. */
  #settlesAt = 0
  /** Whether the last turn failed. */
  #isFailing = false

  constructor(session: Session, calls: LogCalls) {
    this.#session = session
    this.#calls = calls
    this.#goOn(0)
  }

  /** Has some work done while this process is the log. */
  assign(work: LogWork): void {
    this.#works.push(work)
    if (this.#size !== undefined) work.begin()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#step(undefined)
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
      const [election] = await this.#session.query<Election>(ELECTION)
      const isLog = election?.elected === true && !this.#isClosed
      const taken = isLog ? await takeRound(this.#session) : undefined
      if (isLog) await this.#settle()
      this.#step(isLog ? election.size : undefined)
      const isAnswering = this.#works.some(({ answer }) => answer !== undefined)
      if (isLog && election.is_called && isAnswering) await this.#calls.answer(call => this.#answer(call))
      this.#isFailing = false
      if (taken === undefined) return ASK_EVERY
      return taken === ROUND ? 0 : LOOK_EVERY
    } catch (error) {
      // Said once, not every second of an outage.
      if (!this.#isFailing && !this.#isClosed) logFault('this process can not be the log', error, NOT_SHOWN)
      this.#isFailing = true
      // The lock is gone with the connection, but not with a statement that failed.
      if (!(error instanceof ServerFault)) this.#step(undefined)
      return WAIT
    }
  }

  /** Begins, wakes or ends the work. */
  #step(size: number | undefined): void {
    const before = this.#size
    this.#size = size
    for (const work of this.#works) {
      if (size !== undefined && before === undefined) work.begin()
      else if (size === undefined && before !== undefined) work.end()
      else if (size !== before) work.wake()
    }
  }

  async #answer(call: unknown): Promise<unknown> {
    const works = this.#works.filter(({ answer }) => answer !== undefined)
    const work =
      works.find(({ answers }) => answers?.(call)) ?? works.find(({ answers }) => answers === undefined)
    if (work?.answer === undefined) throw new StorageFault('this process can not answer that call')
    return work.answer(call)
  }

  async #settle(): Promise<void> {
    if (performance.now() < this.#settlesAt) return
    const goesOn = await settleDeliveries(this.#session)
    if (!goesOn) this.#settlesAt = performance.now() + SETTLE_EVERY
  }
}
