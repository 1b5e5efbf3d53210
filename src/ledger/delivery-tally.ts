import type { Taken } from '../recordings/recording-store.ts'
import type { DeliveredPart, DeliveryFacts } from './event.ts'

/** Bytes of one answer that left. */
export interface Delivered {
  readonly part: string | undefined
  readonly offset: number
  /** How many were asked for. */
  readonly length: number
  /** How many of them were taken; undefined if nothing of that can be known. */
  readonly taken: Taken | undefined
}

/** The first and the last byte of a range. */
export type InclusiveRange = readonly [number, number]

/**
 * What left in a view, put together. It is added to with every answer: a player that seeks leaves a thousand ranges
 * behind, one of many segments six hundred parts, so nothing here goes through all of them for one more.
 */
export class DeliveryTally {
  #answers = 0
  #cut = 0
  #assumed = 0
  #bytes = 0
  #size = 0
  readonly #parts = new Map<string | undefined, InclusiveRange[]>()

  /** Counts the bytes of one answer. */
  add({ part, offset, length, taken }: Delivered): void {
    const isKnown = typeof taken === 'number'
    const left = isKnown ? taken : length
    this.#answers += 1
    this.#bytes += left
    if (!isKnown) this.#assumed += 1
    if (taken === 'cut' || left < length) this.#cut += 1
    if (left === 0) return
    let ranges = this.#parts.get(part)
    if (ranges === undefined) {
      ranges = []
      this.#parts.set(part, ranges)
      this.#size += 32 + (part?.length ?? 0)
    }
    const before = ranges.length
    addRange(ranges, offset, offset + left - 1)
    this.#size += 36 * (ranges.length - before)
  }

  /** An upper estimate of the characters of its record: a part's name, and two numbers for each range. */
  get size(): number {
    return this.#size
  }

  /** Returns what the record of these answers says. */
  facts(view: string): DeliveryFacts {
    const parts: DeliveredPart[] = [...this.#parts].map(([part, ranges]) =>
      part === undefined ? { ranges: [...ranges] } : { part, ranges: [...ranges] },
    )
    const counts = { answers: this.#answers, cut: this.#cut, assumed: this.#assumed, bytes: this.#bytes }
    return { kind: 'delivery', decision: 'permit', view, ...counts, parts }
  }
}

/** Adds a range to others, which are in ascending order. Merges those that it touches or overlaps. */
export function addRange(ranges: InclusiveRange[], first: number, last: number): void {
  const from = firstToReach(ranges, first - 1)
  let to = from
  while ((ranges[to]?.[0] ?? Number.POSITIVE_INFINITY) <= last + 1) to += 1
  const begin = Math.min(first, ranges[from]?.[0] ?? first)
  const end = Math.max(last, ranges[to - 1]?.[1] ?? last)
  ranges.splice(from, to - from, [begin, end])
}

/** Returns the index of the first range that ends at `byte` or beyond; their number if none does. */
function firstToReach(ranges: readonly InclusiveRange[], byte: number): number {
  let [low, high] = [0, ranges.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((ranges[middle]?.[1] ?? byte) < byte) low = middle + 1
    else high = middle
  }
  return low
}
