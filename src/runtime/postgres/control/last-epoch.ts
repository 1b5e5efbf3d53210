import { beginWait, type Wait } from '../../../base/timeout.ts'
import { Arrivals } from '../../../ledger/query/arrivals.ts'
import type { Session } from '../session.ts'
import { LAST } from './statements.ts'

/** How often the epoch is looked at while a reader waits, in milliseconds. */
const LOOK_EVERY = 1_000

/** A change, as a reader knows it. */
export interface Position {
  readonly epoch: number
  /** Undefined if the reader doesn't know it, or if the change was removed. */
  readonly mark: string | undefined
}

const differ = (one: Position, other: Position): boolean =>
  one.epoch !== other.epoch || (one.mark !== undefined && other.mark !== undefined && one.mark !== other.mark)

/** The last epoch of a fleet, which other processes move: looked at for all readers that wait in this one. */
export class LastEpoch {
  readonly #session: Session
  readonly #arrivals = new Arrivals()
  /** Undefined if the database is away. */
  #last: Position | undefined
  #waiting = 0
  #isLooking = false
  #pause: Wait | undefined

  constructor(session: Session) {
    this.#session = session
  }

  /** Resolves when the last change is another one, when the database is away, or after so many milliseconds. */
  async wait(known: Position, milliseconds: number): Promise<void> {
    this.#waiting += 1
    // What was known before this reader came may be of long ago.
    if (!this.#isLooking) {
      this.#last = known
      void this.#lookOn()
    }
    const until = performance.now() + milliseconds
    const isOther = () => this.#last === undefined || differ(this.#last, known)
    for (let left = milliseconds; left > 0 && !isOther(); left = until - performance.now()) {
      await this.#arrivals.wait(isOther, left)
    }
    this.#waiting -= 1
  }

  /** To be called with what was read besides: what is known here may be a second old. */
  note(last: Position): void {
    this.#last = last
  }

  /** Looks now. To be called after a change of this process. */
  look(): void {
    this.#pause?.end()
  }

  async #lookOn(): Promise<void> {
    this.#isLooking = true
    while (this.#waiting > 0) {
      this.#last = await this.#read()
      this.#arrivals.announce()
      if (this.#waiting === 0) break
      this.#pause = beginWait(LOOK_EVERY)
      await this.#pause.over
    }
    this.#isLooking = false
  }

  async #read(): Promise<Position | undefined> {
    try {
      const [row] = await this.#session.query<{ epoch: number; mark: string | null }>(LAST)
      return row && { epoch: row.epoch, mark: row.mark ?? undefined }
    } catch {
      return undefined
    }
  }
}
