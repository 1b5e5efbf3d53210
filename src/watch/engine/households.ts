import { Generations } from './generations.ts'
import type { Hash } from './recent-sets.ts'
import { REPLAYED, type Shared } from './rule.ts'
import type { WatchedEvent } from './watched-event.ts'

/** Most subjects and addresses in one of two generations. */
const KNOWN = 20_000

/**
 * Who uses the same address as the owner of what it asks for. A device that a family shares shows it when the next person logs
 * in: the app still has the links of the one before. It is to be looked at, and it is no sign that a release is broken.
 */
export class Households implements Shared {
  readonly #hash: Hash
  readonly #seen = new Generations<number, number>(KNOWN)

  constructor(hash: Hash) {
    this.#hash = hash
  }

  /** Notes who uses an address. */
  note(event: WatchedEvent): void {
    const { subject, time } = event
    if (subject === undefined || event.address === undefined) return
    this.#see(subject, event.address, time)
    // As long as the app asks for what is the other one's, it is the same device.
    if (event.owner !== undefined && event.owner !== subject && this.isOf(event))
      this.#see(event.owner, event.address, time)
  }

  /** Returns whether the owner of what a record is about used the caller's address within the last quarter of an hour. */
  isOf({ owner, address, time }: WatchedEvent): boolean {
    if (owner === undefined || address === undefined) return false
    const seen = this.#seen.get(this.#hash.long(`${owner} ${address}`))
    return seen !== undefined && Math.abs(time - seen) < REPLAYED
  }

  #see(person: string, address: string, time: number): void {
    const key = this.#hash.long(`${person} ${address}`)
    this.#seen.set(key, Math.max(time, this.#seen.get(key) ?? 0))
  }
}
