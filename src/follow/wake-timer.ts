/** Begins a timer of so many milliseconds. */
type SetTimer = (callback: () => void, milliseconds: number) => unknown

/** A timer to wake followers by: of several times that are asked for, the earliest counts, and the others are asked for again. */
export class WakeTimer {
  readonly #setTimer: SetTimer
  readonly #wake: () => void
  #at = Number.POSITIVE_INFINITY

  constructor(setTimer: SetTimer, wake: () => void) {
    this.#setTimer = setTimer
    this.#wake = wake
  }

  /** @param time when to wake them, in milliseconds since 1970 */
  set(time: number, now: number): void {
    if (time >= this.#at) return
    this.#at = time
    this.#setTimer(() => {
      // A later time that was set before this one.
      if (this.#at !== time) return
      this.#at = Number.POSITIVE_INFINITY
      this.#wake()
    }, time - now)
  }
}
