/** Least time between the starts of two examinations, in milliseconds. */
const INTERVAL = 2_000
/** When an examination counts as ended that didn't say so: Workers drop a request whose caller has left. In milliseconds. */
const LONGEST = 120_000

/**
 * Keeps a gate from being an amplifier: each examination sends many requests to others, so one is under way at a time, and
 * few in a minute. A second one is refused and doesn't wait, as on Workers no request can wait for another one's work.
 */
export class ExaminationPace {
  #begun = Number.NEGATIVE_INFINITY
  #isUnderWay = false

  /** Returns whether an examination may begin now, and if so, that it has begun. */
  begin(now: number): boolean {
    // Also if the clock was set back.
    if (Math.abs(now - this.#begun) < (this.#isUnderWay ? LONGEST : INTERVAL)) return false
    this.#begun = now
    this.#isUnderWay = true
    return true
  }

  /** Takes note that the examination that began at this time has ended. */
  end(begun: number): void {
    if (begun === this.#begun) this.#isUnderWay = false
  }
}
