import type { Term } from '../ledger/query/terms.ts'

/** Bits for each term: with {@link HASHES} about one look in eighty finds a term that is not there. */
const BITS = 10
const HASHES = 4
/** Smallest and largest size of a filter, in bytes. A larger one would fill the log's database before the archive is old. */
const SIZES = { least: 32, most: 8192 }

/**
 * Which terms the records of a segment have: a Bloom filter. It may have a term that no record has, and never lacks one that a
 * record has. So a query for one person opens few of the segments of six years.
 */
export class TermFilter {
  readonly #bits: Uint8Array

  private constructor(bits: Uint8Array) {
    this.#bits = bits
  }

  /** Creates the filter of some terms, by their names. */
  static of(names: ReadonlySet<string>): TermFilter {
    const wanted = 2 ** Math.ceil(Math.log2((names.size * BITS) / 8 + 1))
    const filter = new TermFilter(new Uint8Array(Math.min(Math.max(wanted, SIZES.least), SIZES.most)))
    for (const name of names) filter.#enter(name)
    return filter
  }

  /** Reads a filter as `toString` writes it. */
  static parse(base64: string): TermFilter {
    return new TermFilter(Uint8Array.from(atob(base64), character => character.charCodeAt(0)))
  }

  /** Returns false if no record has the term. */
  mayHave(term: Term): boolean {
    return this.#placesOf(termName(term)).every(place => ((this.#bits[place >> 3] ?? 0) >> (place & 7)) & 1)
  }

  /** Returns the filter in base64. */
  toString(): string {
    return btoa(Array.from(this.#bits, byte => String.fromCharCode(byte)).join(''))
  }

  #enter(name: string): void {
    for (const place of this.#placesOf(name)) {
      this.#bits[place >> 3] = (this.#bits[place >> 3] ?? 0) | (1 << (place & 7))
    }
  }

  /** Two hashes give all places (Kirsch and Mitzenmacher 2006). */
  #placesOf(name: string): readonly number[] {
    const [one, two] = [hash(name, 0x811c9dc5), hash(name, 0x9747b28c) | 1]
    return Array.from({ length: HASHES }, (_, i) => ((one + i * two) >>> 0) % (this.#bits.length * 8))
  }
}

/** Returns the name that a term has in a filter. */
export const termName = ([field, value]: Term): string => `${field} ${value}`

/** FNV-1a over UTF-16, and the finalizer of MurmurHash3, so that each bit depends on all of the name. Both are stored: final. */
function hash(name: string, seed: number): number {
  let bits = seed
  for (let i = 0; i < name.length; i++) bits = Math.imul(bits ^ name.charCodeAt(i), 0x01000193)
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
