/**
 * Keeps the most recently used values, up to a total weight. A `Map` keeps the order of insertion, so its first key is
 * the one that was used longest ago.
 */
export class LruCache<Value> {
  readonly #capacity: number
  readonly #weigh: (value: Value, key: string) => number
  readonly #values = new Map<string, Value>()
  #weight = 0

  /**
   * @param capacity the largest total weight
   * @param weigh returns the weight of a value. Default: 1 for each. A value heavier than `capacity` is not kept
   */
  constructor(capacity: number, weigh: (value: Value, key: string) => number = () => 1) {
    this.#capacity = capacity
    this.#weigh = weigh
  }

  /** Returns a value and marks it as the most recently used. */
  get(key: string): Value | undefined {
    const value = this.#values.get(key)
    if (value !== undefined) {
      this.#values.delete(key)
      this.#values.set(key, value)
    }
    return value
  }

  /** Adds or replaces a value. Returns the value that was evicted for it, the last one if there are several. */
  set(key: string, value: Value): Value | undefined {
    this.#delete(key)
    this.#values.set(key, value)
    this.#weight += this.#weigh(value, key)
    let evicted: Value | undefined
    for (const oldest of this.#values.keys()) {
      if (this.#weight <= this.#capacity) break
      evicted = this.#delete(oldest)
    }
    return evicted
  }

  #delete(key: string): Value | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#weight -= this.#weigh(value, key)
    return value
  }
}
