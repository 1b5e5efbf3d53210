import type { DeliveredPart, DeliveryFacts } from '../ledger/event.ts'

/** Bytes of one answer that left. */
export interface Delivered {
  readonly part: string | undefined
  readonly offset: number
  /** How many were asked for. */
  readonly length: number
  /** How many of them were taken; undefined where nobody can tell. */
  readonly taken: number | undefined
}

/** What left in a view, put together. */
export class DeliveredSum {
  #answers = 0
  #cut = 0
  #assumed = 0
  #bytes = 0
  readonly #parts = new Map<string | undefined, [number, number][]>()

  add({ part, offset, length, taken }: Delivered): void {
    const left = taken ?? length
    this.#answers += 1
    this.#bytes += left
    if (taken === undefined) this.#assumed += 1
    else if (taken < length) this.#cut += 1
    if (left === 0) return
    const ranges = this.#parts.get(part) ?? []
    this.#parts.set(part, joined([...ranges, [offset, offset + left - 1]]))
  }

  /** About how many characters its record takes, never less: a part's name, and two numbers for each stretch. */
  get size(): number {
    let size = 0
    for (const [part = '', ranges] of this.#parts) size += 32 + part.length + 36 * ranges.length
    return size
  }

  facts(view: string): DeliveryFacts {
    const parts: DeliveredPart[] = [...this.#parts].map(([part, ranges]) =>
      part === undefined ? { ranges } : { part, ranges },
    )
    const counts = { answers: this.#answers, cut: this.#cut, assumed: this.#assumed, bytes: this.#bytes }
    return { kind: 'delivery', decision: 'permit', view, ...counts, parts }
  }
}

/** Stretches that touch or overlap become one. */
function joined(ranges: [number, number][]): [number, number][] {
  const sorted = ranges.toSorted((a, b) => a[0] - b[0])
  const result: [number, number][] = []
  for (const [first, last] of sorted) {
    const before = result.at(-1)
    if (before === undefined || first > before[1] + 1) result.push([first, last])
    else before[1] = Math.max(before[1], last)
  }
  return result
}
