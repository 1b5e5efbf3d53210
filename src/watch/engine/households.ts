import { type Hash, RecentSets } from './recent-sets.ts'
import { REPLAYED, type Shared } from './rule.ts'
import type { WatchedEvent } from './watched-event.ts'

/** Most subjects of one address that are a household on one device: with more, it is a network that many share. */
const PEOPLE = 2
/** Most addresses in one of two generations. */
const ADDRESSES = 20_000
/** Networks whose addresses name no home: the gate sees a proxy, or the machine that it runs on. */
const PRIVATE = /^(?:10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|::|f[cd]|fe80)/

/**
 * Who uses the same address as the owner of what it asks for. A device that a family shares shows it when the next person logs
 * in: the app still has the links of the one before. It is to be looked at, and it is no sign that a release is broken.
 */
export class Households implements Shared {
  readonly #hash: Hash
  readonly #people = new RecentSets(REPLAYED, PEOPLE + 1, ADDRESSES)

  constructor(hash: Hash) {
    this.#hash = hash
  }

  /** Notes who uses an address. */
  note(event: WatchedEvent): void {
    const { subject, address, owner, time } = event
    if (subject === undefined || address === undefined) return
    this.#people.add(this.#hash.long(address), this.#hash.short(subject), time)
    // As long as the app asks for what is the other one's, it is the same device.
    if (owner !== undefined && owner !== subject && this.isOf(event))
      this.#people.add(this.#hash.long(address), this.#hash.short(owner), time)
  }

  isOf({ owner, address, network = '', time }: WatchedEvent): boolean {
    if (owner === undefined || address === undefined || PRIVATE.test(network)) return false
    const home = this.#hash.long(address)
    return this.#people.has(home, this.#hash.short(owner), time) && this.#people.size(home, time) <= PEOPLE
  }
}
