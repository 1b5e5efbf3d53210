import { TimedOut, withTimeout } from '../base/timeout.ts'

/** A request waits so long for an answer that another one asked for, in milliseconds. Then one of those that wait asks. */
const TURN = 250
/** How many turns a request waits for. */
const TURNS = 4

/**
 * A question that requests ask together. On Workers a request that is cut off takes its question with it, and what waits for that
 * waits for ever. So another request asks if no answer comes: one per turn, however many there are.
 */
export class SharedQuestion {
  readonly #put: () => Promise<void>
  #open: Promise<void> | undefined

  /** @param put puts the question, and takes over the answer */
  constructor(put: () => Promise<void>) {
    this.#put = put
  }

  /** Whether an answer is waited for. */
  get isOpen(): boolean {
    return this.#open !== undefined
  }

  ask(): Promise<void> {
    const asking = this.#put().finally(() => {
      if (this.#open === asking) this.#open = undefined
    })
    this.#open = asking
    return asking
  }

  /**
   * Resolves when there is an answer: that of another request if it will do.
   *
   * @throws TimedOut if there is none in all turns, or what the question fails with
   */
  async obtain(isAnswered: () => boolean): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) {
      const open = this.#open
      if (open !== undefined) await withTimeout(TURN, open).catch(() => {})
      if (isAnswered()) return
      // Another one may have taken this turn.
      if (this.#open === undefined || this.#open === open) return this.ask()
    }
    throw new TimedOut(TURN * TURNS)
  }
}
