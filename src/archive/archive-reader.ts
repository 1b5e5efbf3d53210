import type { ReadEntry } from '../ledger/ledger.ts'
import type { Span } from '../ledger/query/span.ts'
import { type AskedField, type AskedQuery, fieldsAsked, isWanted, timesOf } from '../ledger/query/terms.ts'
import type { ArchivedSegments } from './archived-segments.ts'
import type { Manifest, SegmentQuery } from './live-log.ts'
import type { Segment } from './manifest.ts'
import { entryOf, jsonOf } from './segment.ts'
import { TermFilter } from './term-filter.ts'

/** What to read of the archive. */
export interface ArchiveQuery extends Span {
  readonly query: AskedQuery
  readonly isNewestFirst: boolean
  /** Most records on the page. */
  readonly limit: number
}

/** Some records of the archive, in the order that was asked for. */
export interface ArchivePage {
  readonly entries: readonly ReadEntry[]
  /** What is left of the span. Empty if all of it was read. */
  readonly rest: Span
}

/** Most segments that one call opens: each is a request to the store, and some 20 ms of work. */
const MAX_OPENED = 8
/** Most entries of the manifest that one call looks at. */
const MAX_LOOKED_AT = 200
/** A page of so many characters takes no further record. */
const FULL_PAGE = 4 * 2 ** 20

/** Reads what is no longer in the live log. */
export class ArchiveReader {
  readonly #manifest: Manifest
  readonly #segments: ArchivedSegments

  constructor(manifest: Manifest, segments: ArchivedSegments) {
    this.#manifest = manifest
    this.#segments = segments
  }

  /** Returns whether a segment in a span may have a record that a query wants. Opens none. */
  async mayHave({ from, to, query, isNewestFirst }: Omit<ArchiveQuery, 'limit'>): Promise<boolean> {
    const looked = await this.#find({ from, to, isNewestFirst }, query)
    const fields = fieldsAsked(query)
    return looked.length === MAX_LOOKED_AT || looked.some(segment => mayHave(segment, fields))
  }

  /**
   * Reads a page. It may be empty before its span is.
   *
   * @throws StorageFault if a segment is missing, or not as it was written
   */
  async read({ from, to, query, isNewestFirst, limit }: ArchiveQuery): Promise<ArchivePage> {
    const fields = fieldsAsked(query)
    const looked = await this.#find({ from, to, isNewestFirst }, query)
    const entries: ReadEntry[] = []
    let [rest, opened, size]: [Span, number, number] = [{ from, to }, 0, 0]
    for (const segment of looked) {
      if (mayHave(segment, fields)) {
        if (opened === MAX_OPENED) return { entries, rest }
        opened += 1
        const lines = await this.#segments.read(segment)
        for (const index of indexesIn(segment, rest, isNewestFirst)) {
          const line = lines[index - segment.first] ?? ''
          if (mayMatch(line, fields) && isWanted(jsonOf(line), query, fields)) {
            entries.push(entryOf(line, index))
            size += line.length
          }
          if (entries.length === limit || size >= FULL_PAGE)
            return { entries, rest: after(index, rest, isNewestFirst) }
        }
      }
      rest = isNewestFirst
        ? { from, to: Math.min(to, segment.first) }
        : { from: Math.max(from, segment.last + 1), to }
    }
    return {
      entries,
      rest: looked.length === MAX_LOOKED_AT ? rest : isNewestFirst ? { from, to: from } : { from: to, to },
    }
  }

  #find(span: Pick<SegmentQuery, 'from' | 'to' | 'isNewestFirst'>, query: AskedQuery) {
    return this.#manifest.find({ ...span, ...timesOf(query), limit: MAX_LOOKED_AT })
  }
}

function mayHave({ terms }: Segment, fields: readonly AskedField[]): boolean {
  if (fields.length === 0) return true
  const filter = TermFilter.parse(terms)
  return fields.every(({ field, values }) => values.some(value => filter.mayHave([field, value])))
}

/** Rules a line out without parsing it, which takes most of the time of reading it. A value may be escaped. */
function mayMatch(line: string, fields: readonly AskedField[]): boolean {
  if (line.includes('\\')) return true
  return fields.every(
    // The tenant's values begin with the kind, which is another member.
    ({ field, values }) => field === 'tenant' || values.some(value => line.includes(`"${value}"`)),
  )
}

function* indexesIn({ first, last }: Segment, { from, to }: Span, isNewestFirst: boolean): Generator<number> {
  const [low, high] = [Math.max(first, from), Math.min(last + 1, to)]
  for (let i = 0; i < high - low; i++) yield isNewestFirst ? high - 1 - i : low + i
}

/** What is left of a span after a record of it. */
const after = (index: number, { from, to }: Span, isNewestFirst: boolean): Span =>
  isNewestFirst ? { from, to: index } : { from: index + 1, to }
