// What a made-up log is put together with: chance that is the same each time, an order of time, and isolates that count.

/** What a record says beside what all say. `late` is for how long it waited in the spool, in milliseconds. */
export type Facts = Readonly<Record<string, unknown>>

/** A record that is made at a time. */
export interface MadeRecord {
  readonly time: number
  readonly facts: Facts
  readonly gate: { readonly isolate: string; readonly seq: number }
}

/** Something that happens at a time: a record, or nothing that is on record. */
type Event = () => MadeRecord | undefined

/** Returns numbers from 0 to 1 that look like chance (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/** What is to happen, the earliest first: a binary heap. */
export class Schedule {
  readonly #heap: { readonly time: number; readonly event: Event }[] = []

  /** When the next thing happens. Undefined if nothing is left. */
  get next(): number | undefined {
    return this.#heap[0]?.time
  }

  add(time: number, event: Event): void {
    const heap = this.#heap
    let at = heap.length
    const one = { time, event }
    heap.push(one)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent]
      if (above === undefined || above.time <= time) break
      heap[at] = above
      at = parent
    }
    heap[at] = one
  }

  /** Has the next thing happen. Returns the record that it made, if it did. */
  take(): MadeRecord | undefined {
    const heap = this.#heap
    const [first] = heap
    const last = heap.pop()
    if (first === undefined || last === undefined) return undefined
    if (heap.length > 0) this.#sink(last)
    return first.event()
  }

  #sink(one: { readonly time: number; readonly event: Event }): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      const [left, right] = [heap[child], heap[child + 1]]
      if (left !== undefined && right !== undefined && right.time < left.time) child += 1
      const below = heap[child]
      if (below === undefined || below.time >= one.time) break
      heap[at] = below
      at = child
    }
    heap[at] = one
  }
}

/** Several isolates of the gate at once. Each of them ends after some hours, and another one begins. */
export class Isolates {
  readonly size: number
  readonly #random: () => number
  readonly #isolates: { isolate: string; seq: number; ends: number }[]
  #made = 0

  constructor(size: number, random: () => number) {
    this.size = size
    this.#random = random
    this.#isolates = Array.from({ length: size }, () => ({ isolate: '', seq: 0, ends: 0 }))
  }

  /** The next number of one that is at work. */
  next(time: number): { readonly isolate: string; readonly seq: number } {
    const one = this.#isolates[Math.floor(this.#random() * this.size)]
    if (one === undefined) throw new RangeError('there is no isolate')
    if (time >= one.ends) {
      this.#made += 1
      one.isolate = (0x10000000 + this.#made).toString(16)
      one.seq = 0
      one.ends = time + (1 + 5 * this.#random()) * 3_600_000
    }
    one.seq += 1
    return { isolate: one.isolate, seq: one.seq }
  }
}
