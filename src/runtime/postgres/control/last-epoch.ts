import { beginWait, type Wait } from '../../../base/timeout.ts'
import { Arrivals } from '../../../ledger/query/arrivals.ts'
import type { Session } from '../session.ts'

/** How often the epoch is looked at while a reader waits, in milliseconds. */
const LOOK_EVERY = 1_000

/** The last epoch of a fleet, which other processes move: looked at for all readers that wait in this one. */
export class LastEpoch {
  readonly #session: Session
  readonly #arrivals = new Arrivals()
  /** Undefined if the database is away. */
  #epoch: number | undefined
  #waiting = 0
  #isLooking = false
  #pause: Wait | undefined

  constructor(session: Session) {
    this.#session = session
  }

  /** Resolves when the last epoch is another one, when the database is away, or after so many milliseconds. */
  async wait(epoch: number, milliseconds: number): Promise<void> {
    this.#waiting += 1
    // What was known before this reader came may be of long ago.
    if (!this.#isLooking) {
      this.#epoch = epoch
      void this.#lookOn()
    }
    const until = performance.now() + milliseconds
    const isOther = () => this.#epoch !== epoch
    for (let left = milliseconds; left > 0 && !isOther(); left = until - performance.now()) {
      await this.#arrivals.wait(isOther, left)
    }
    this.#waiting -= 1
  }

  /** To be called with what was read besides: what is known here may be a second old. */
  note(epoch: number): void {
    this.#epoch = epoch
  }

  /** Looks now. To be called after a change of this process. */
  look(): void {
    this.#pause?.end()
  }

  async #lookOn(): Promise<void> {
    this.#isLooking = true
    while (this.#waiting > 0) {
      this.#epoch = await this.#read()
      this.#arrivals.announce()
      if (this.#waiting === 0) break
      this.#pause = beginWait(LOOK_EVERY)
      await this.#pause.over
    }
    this.#isLooking = false
  }

  async #read(): Promise<number | undefined> {
    try {
      const [row] = await this.#session.query<{ epoch: number }>('SELECT epoch FROM mediaward.control')
      return row?.epoch
    } catch {
      return undefined
    }
  }
}
