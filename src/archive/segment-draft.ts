import type { ReadEntry } from '../ledger/ledger.ts'
import { parseEvent, recordedAt, termsOf } from '../ledger/query/terms.ts'
import type { Segment } from './manifest.ts'
import { lineOf } from './segment.ts'
import { TermFilter, termName } from './term-filter.ts'

/** Most records in a segment. */
export const MOST = 4_000
/** A segment takes no further record after so many characters: it is unpacked in the memory of a Durable Object. */
const FULL = 4 * 2 ** 20

/** A segment as its records are read, the first one first. */
export class SegmentDraft {
  readonly lines: string[] = []
  readonly #first: number
  readonly #terms = new Set<string>()
  #size = 0
  #since = Number.POSITIVE_INFINITY
  #until = 0

  constructor(first: number) {
    this.#first = first
  }

  get isFull(): boolean {
    return this.lines.length >= MOST || this.#size >= FULL
  }

  add(entry: ReadEntry): void {
    const event = parseEvent(entry.json)
    const recorded = recordedAt(event)
    this.lines.push(lineOf(entry, event))
    for (const term of termsOf(event)) this.#terms.add(termName(term))
    this.#size += entry.json.length
    this.#since = Math.min(this.#since, recorded)
    this.#until = Math.max(this.#until, recorded)
  }

  /**
   * Returns the entry of the manifest.
   *
   * @param stored what is in the archive. It may hold fewer records than were added: then times and terms are of some more
   */
  describe(stored: Pick<Segment, 'bytes' | 'sha256' | 'written'> & { readonly count: number }): Segment {
    const { count, ...rest } = stored
    return {
      ...{ first: this.#first, last: this.#first + count - 1, since: this.#since, until: this.#until },
      ...rest,
      terms: `${TermFilter.of(this.#terms)}`,
    }
  }
}
