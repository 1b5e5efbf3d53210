import type { RequestedRange } from '../recordings/recording-store.ts'

/** One element of a Range header. `last` may be Infinity (`5-`). */
export type RangeSpec = { readonly first: number; readonly last: number } | { readonly suffix: number }

/** Bytes of an object of known size. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/** Longest header that is read. No player sends a longer one, and ignoring it bounds the work (CVE-2011-3192). */
const MAX_HEADER = 256

// RFC 9110 14.1.1 and 14.1.2, with the list rule of 5.6.1. The unit may be in any case.
const UNIT = /^bytes=/i
const SPEC = /^[ \t]*(?:(?:(\d+)-(\d*)|-(\d+))[ \t]*)?$/

/**
 * Parses a Range header. Undefined if it isn't a well-formed set of byte ranges: such a header is ignored, not refused
 * (RFC 9110 14.2).
 */
export function parseRange(header: string | null): readonly RangeSpec[] | undefined {
  if (header === null || header.length > MAX_HEADER || !UNIT.test(header)) return undefined
  const specs: RangeSpec[] = []
  for (const element of header.slice('bytes='.length).split(',')) {
    const match = SPEC.exec(element)
    if (match === null) return undefined
    const [, first, last, suffix] = match
    if (suffix !== undefined) specs.push({ suffix: Number(suffix) })
    else if (first !== undefined) {
      const spec = { first: Number(first), last: last === '' ? Number.POSITIVE_INFINITY : Number(last) }
      if (spec.last < spec.first) return undefined
      specs.push(spec)
    }
  }
  return specs.length > 0 ? specs : undefined
}

/**
 * Returns what to ask the store for while the size is unknown. Undefined means the whole object: for several ranges,
 * because what they select depends on the size; for the last 0 bytes, because no store accepts such a range; and for all
 * from the first byte on, as most players ask, because an empty object satisfies no range.
 */
export function requestedRange(specs: readonly RangeSpec[] | undefined): RequestedRange | undefined {
  const [spec, ...more] = specs ?? []
  if (spec === undefined || more.length > 0) return undefined
  if ('suffix' in spec && spec.suffix === 0) return undefined
  if ('suffix' in spec) return { suffix: Math.min(spec.suffix, Number.MAX_SAFE_INTEGER) }
  if (spec.first === 0 && spec.last === Number.POSITIVE_INFINITY) return undefined
  const offset = Math.min(spec.first, Number.MAX_SAFE_INTEGER)
  const length = spec.last - spec.first + 1
  return Number.isSafeInteger(length) && Number.isSafeInteger(offset + length)
    ? { offset, length }
    : { offset }
}

/**
 * Returns the bytes that a store serves of an object of `size` bytes: all if no range is given. Undefined if the range
 * can't be satisfied.
 */
export function servedRange(range: RequestedRange | undefined, size: number): ByteRange | undefined {
  if (range === undefined) return { offset: 0, length: size }
  const offset = 'suffix' in range ? Math.max(0, size - range.suffix) : range.offset
  const length = Math.min('suffix' in range ? range.suffix : (range.length ?? size), size - offset)
  return length > 0 ? { offset, length } : undefined
}

/**
 * Returns what a set of ranges selects in an object of `size` bytes:
 * - `unsatisfiable` (416) if none of them lies within the object,
 * - one range if there is only one, or if they touch or overlap so that they form one,
 * - `whole` (200) if several remain, or if the object is empty. Never multipart: each part would need a read of the store,
 *   and a small request could ask for a large response.
 */
export function selectRange(
  specs: readonly RangeSpec[],
  size: number,
): ByteRange | 'whole' | 'unsatisfiable' {
  if (size === 0) return 'whole'
  const satisfiable: { readonly first: number; readonly last: number }[] = []
  for (const spec of specs) {
    const first = 'suffix' in spec ? Math.max(0, size - spec.suffix) : spec.first
    const last = 'suffix' in spec ? size - 1 : Math.min(spec.last, size - 1)
    if (first <= last) satisfiable.push({ first, last })
  }
  satisfiable.sort((a, b) => a.first - b.first)
  const [start, ...rest] = satisfiable
  if (start === undefined) return 'unsatisfiable'
  let last = start.last
  for (const next of rest) {
    if (next.first > last + 1) return 'whole'
    last = Math.max(last, next.last)
  }
  const range = { offset: start.first, length: last - start.first + 1 }
  return specs.length > 1 && range.length === size ? 'whole' : range
}
