import { beginWait, type Wait } from '../../base/timeout.ts'

/** Readers of a log that wait for something new, in the process or object that has the log. */
export class Arrivals {
  readonly #waits = new Set<Wait>()

  /** Wakes all who wait. To be called when something was stored. */
  announce(): void {
    for (const wait of this.#waits) wait.end()
    this.#waits.clear()
  }

  /** Resolves when something is there or is stored, or after so many milliseconds. */
  async wait(isThere: () => boolean, milliseconds: number): Promise<void> {
    if (isThere()) return
    const wait = beginWait(milliseconds)
    this.#waits.add(wait)
    await wait.over
    this.#waits.delete(wait)
  }
}
