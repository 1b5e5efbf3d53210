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

/** Most stretches of one record, so that it stays far below what a record may be. */
export const MAX_STRETCHES = 500

/** What left in a view, put together. */
export class DeliveredSum {
  answers = 0
  #cut = 0
  #assumed = 0
  #bytes = 0
  readonly #parts = new Map<string | undefined, [number, number][]>()

  add({ part, offset, length, taken = length }: Delivered, assumed: boolean): void {
    this.answers += 1
    this.#bytes += taken
    if (assumed) this.#assumed += 1
    else if (taken < length) this.#cut += 1
    if (taken === 0) return
    const ranges = this.#parts.get(part) ?? []
    this.#parts.set(part, joined([...ranges, [offset, offset + taken - 1]]))
  }

  get stretches(): number {
    let count = 0
    for (const ranges of this.#parts.values()) count += ranges.length
    return count
  }

  facts(view: string): DeliveryFacts {
    const parts: DeliveredPart[] = [...this.#parts].map(([part, ranges]) =>
      part === undefined ? { ranges } : { part, ranges },
    )
    const counts = { answers: this.answers, cut: this.#cut, assumed: this.#assumed, bytes: this.#bytes }
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
