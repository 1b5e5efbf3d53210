/**
 * The most recently used values by their key, as many as weigh at most `capacity`. A `Map` keeps the order of insertion,
 * so the first key is the one that was used longest ago.
 */
export class LruCache<Value> {
  readonly #capacity: number
  readonly #weigh: (value: Value, key: string) => number
  readonly #values = new Map<string, Value>()
  #weight = 0

  /**
   * @param weigh what a value counts for; by default each counts for one. A value that alone weighs more than `capacity`
   * is not kept
   */
  constructor(capacity: number, weigh: (value: Value, key: string) => number = () => 1) {
    this.#capacity = capacity
    this.#weigh = weigh
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key)
    if (value !== undefined) {
      this.#values.delete(key)
      this.#values.set(key, value)
    }
    return value
  }

  /** Returns the value that had to make room, the last of them if there are several. */
  set(key: string, value: Value): Value | undefined {
    this.#delete(key)
    this.#values.set(key, value)
    this.#weight += this.#weigh(value, key)
    let gone: Value | undefined
    for (const oldest of this.#values.keys()) {
      if (this.#weight <= this.#capacity) break
      gone = this.#delete(oldest)
    }
    return gone
  }

  #delete(key: string): Value | undefined {
    const value = this.#values.get(key)
    if (value === undefined) return undefined
    this.#values.delete(key)
    this.#weight -= this.#weigh(value, key)
    return value
  }
}
