import { beginWait } from '../../base/timeout.ts'
import { Arrivals } from '../../ledger/query/arrivals.ts'
import type { Session } from './session.ts'

/** How often the log is looked at while a reader waits, in milliseconds. */
const LOOK_EVERY = 200
/** How long it is not looked at after a fault, in milliseconds. */
const PAUSE = 1_000

const SIZE = 'SELECT coalesce(max(index), -1) + 1 AS size FROM mediaward.event'

/** The end of a fleet's log, which other processes move: looked at for all readers that wait in this one. */
export class LogEnd {
  readonly #session: Session
  readonly #arrivals = new Arrivals()
  #size = 0
  #waiting = 0
  #isLooking = false

  constructor(session: Session) {
    this.#session = session
  }

  /** Resolves when there are more records than so many, or after so many milliseconds. */
  async wait(count: number, milliseconds: number): Promise<void> {
    this.#waiting += 1
    if (!this.#isLooking) void this.#look()
    const isThere = () => this.#size > count
    const until = performance.now() + milliseconds
    for (let left = milliseconds; left > 0 && !isThere(); left = until - performance.now()) {
      await this.#arrivals.wait(isThere, left)
    }
    this.#waiting -= 1
  }

  async #look(): Promise<void> {
    this.#isLooking = true
    while (this.#waiting > 0) {
      const size = await this.#read()
      if (size !== undefined && size > this.#size) {
        this.#size = size
        this.#arrivals.announce()
      }
      await beginWait(size === undefined ? PAUSE : LOOK_EVERY).over
    }
    this.#isLooking = false
  }

  /** Resolves to the number of records; to undefined if the database is away, which a reader learns when it reads next. */
  async #read(): Promise<number | undefined> {
    try {
      const [row] = await this.#session.query<{ size: number }>(SIZE)
      return row?.size
    } catch {
      return undefined
    }
  }
}
