import { Fault } from '../../refusal.ts'

/** Most proofs that one isolate remembers: 1,500 a second, in some twelve megabytes. */
const MAX_REMEMBERED = 100_000

/**
 * The proofs that were used in this isolate, for as long as each of them is good (RFC 9449 11.1). Another isolate doesn't
 * know them.
 */
export class UsedProofs {
  readonly #lifetime: number
  readonly #capacity: number
  /** When each was used. In the order of use, so that the oldest are first. */
  readonly #used = new Map<string, number>()

  /** @param lifetime how long a proof can be good, in milliseconds */
  constructor(lifetime: number, capacity: number = MAX_REMEMBERED) {
    this.#lifetime = lifetime
    this.#capacity = capacity
  }

  /**
   * Remembers a proof. Returns whether it was not used before.
   *
   * @param proof a short string that identifies it
   * @param now milliseconds since 1970
   * @throws Fault `proofs_full` if there is no room. To forget a proof that is still good would permit it a second time
   */
  use(proof: string, now: number): boolean {
    for (const [oldest, at] of this.#used) {
      // After the clock was set back, a proof is good again: then it is kept until the clock has caught up.
      if (now - at <= this.#lifetime) break
      this.#used.delete(oldest)
    }
    if (this.#used.has(proof)) return false
    if (this.#used.size >= this.#capacity) throw new Fault('proofs_full')
    this.#used.set(proof, now)
    return true
  }
}
