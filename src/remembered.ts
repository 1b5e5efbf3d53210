/**
 * The most recently used values by their key, at most `capacity` of them. A `Map` keeps the order of insertion, so
 * the first key is the one that was used longest ago.
 */
export class Remembered<Value> {
  readonly #capacity: number
  readonly #values = new Map<string, Value>()

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get(key: string): Value | undefined {
    const value = this.#values.get(key)
    if (value !== undefined) {
      this.#values.delete(key)
      this.#values.set(key, value)
    }
    return value
  }

  /** Returns the value that had to make room, if one had to. */
  set(key: string, value: Value): Value | undefined {
    this.#values.delete(key)
    this.#values.set(key, value)
    if (this.#values.size <= this.#capacity) return undefined
    const [oldest] = this.#values
    if (oldest !== undefined) this.#values.delete(oldest[0])
    return oldest?.[1]
  }
}
