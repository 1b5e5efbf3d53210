import { LruCache } from '../../base/lru-cache.ts'

/** Records of the log that are about to be shown. */
export interface Shown {
  /** The place of each, as strings whose order is that of the places. */
  readonly places: readonly string[]
  /** Of which list they are the beginning. Undefined if a cursor or an index says where they begin: these always count. */
  readonly beginningOf?: string | undefined
}

/** The first and the last place of what was shown: all that was asked for between them was. */
type Span = readonly [first: string, last: string]

/** What callers were shown of the lists that they poll: each time the beginning, which is mostly the same. */
export class PolledLists {
  readonly #spans: LruCache<Span>

  /** @param most most lists that are known. What is forgotten counts as shown for the first time */
  constructor(most: number) {
    this.#spans = new LruCache(most)
  }

  /** Returns how many records of a list were not shown before. `look` says who asks for what. */
  countNew(look: string, { places, beginningOf }: Shown): number {
    const span = beginningOf === undefined ? undefined : this.#spans.get(`${beginningOf} ${look}`)
    if (span === undefined) return places.length
    return places.filter(place => place < span[0] || place > span[1]).length
  }

  /** Notes what is shown of a list. */
  note(look: string, { places, beginningOf }: Shown): void {
    const sorted = places.toSorted()
    const [first, last] = [sorted[0], sorted.at(-1)]
    if (beginningOf === undefined || first === undefined || last === undefined) return
    const key = `${beginningOf} ${look}`
    const before = this.#spans.get(key)
    // Without an overlap, something between the two may not have been shown.
    const isApart = before === undefined || first > before[1] || last < before[0]
    this.#spans.set(key, isApart ? [first, last] : [least(first, before[0]), greatest(last, before[1])])
  }
}

const least = (one: string, other: string): string => (one < other ? one : other)
const greatest = (one: string, other: string): string => (one > other ? one : other)
