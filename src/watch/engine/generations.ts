/**
 * A map of bounded size. What isn't asked for is forgotten: entries are in two generations, and when the younger one is full,
 * the older one goes. So nothing is sorted, and no entry costs a timer.
 */
export class Generations<K, V> {
  readonly #size: number
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  /** @param size most entries of one generation; the map has at most twice as many */
  constructor(size: number) {
    this.#size = size
  }

  /** Returns the value of a key. It is kept for longer then. */
  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: K, value: V): void {
    this.#young.set(key, value)
    if (this.#young.size < this.#size) return
    this.#old = this.#young
    this.#young = new Map()
  }

  delete(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  /** All that is known, each key once. */
  *entries(): Iterable<readonly [K, V]> {
    yield* this.#young
    for (const entry of this.#old) if (!this.#young.has(entry[0])) yield entry
  }
}
