import type { RequestedRange } from '../recordings/recording-store.ts'

/** One element of a Range header. `last` may be Infinity (`5-`). */
export type RangeSpec = { readonly first: number; readonly last: number } | { readonly suffix: number }

/** Bytes of an object of known size. */
export interface ByteRange {
  readonly offset: number
  readonly length: number
}

/** A longer header asks for no range that any player asks for; ignoring it bounds all work on it (CVE-2011-3192). */
const MAX_HEADER = 256

// RFC 9110 14.1.1 and 14.1.2 with the list rule of 5.6.1; the unit in any case.
const UNIT = /^bytes=/i
const SPEC = /^[ \t]*(?:(?:(\d+)-(\d*)|-(\d+))[ \t]*)?$/

/**
 * Reads a Range header. What isn't a well-formed set of byte ranges is undefined: it is to be ignored, not refused
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
 * What to ask the store for while the size isn't known: one range as it is; several ranges as the whole, since what
 * they come to depends on the size; the last 0 bytes as the whole, since no store can be asked for them.
 */
export function requestedRange(specs: readonly RangeSpec[] | undefined): RequestedRange | undefined {
  const [spec, ...more] = specs ?? []
  if (spec === undefined || more.length > 0) return undefined
  if ('suffix' in spec && spec.suffix === 0) return undefined
  if ('suffix' in spec) return { suffix: Math.min(spec.suffix, Number.MAX_SAFE_INTEGER) }
  const offset = Math.min(spec.first, Number.MAX_SAFE_INTEGER)
  const length = spec.last - spec.first + 1
  return Number.isSafeInteger(length) && Number.isSafeInteger(offset + length)
    ? { offset, length }
    : { offset }
}

/**
 * Which bytes of an object of `size` bytes a store serves: all where no range is asked for, undefined where the range
 * can't be satisfied.
 */
export function servedRange(range: RequestedRange | undefined, size: number): ByteRange | undefined {
  if (range === undefined) return { offset: 0, length: size }
  const offset = 'suffix' in range ? Math.max(0, size - range.suffix) : range.offset
  const length = Math.min('suffix' in range ? range.suffix : (range.length ?? size), size - offset)
  return length > 0 ? { offset, length } : undefined
}

/**
 * What a set of ranges comes to for an object of `size` bytes:
 * - `unsatisfiable` (416) where none of them lies within it,
 * - one range where they are one, or touch or overlap so that they make one,
 * - `whole` (200) where they stay several, or where the object is empty. Never multipart: it would take a read of the
 *   store for each part, and lets a small request ask for a large answer.
 */
export function selectRange(
  specs: readonly RangeSpec[],
  size: number,
): ByteRange | 'whole' | 'unsatisfiable' {
  if (size === 0) return 'whole'
  const withTimeout: { readonly first: number; readonly last: number }[] = []
  for (const spec of specs) {
    const first = 'suffix' in spec ? Math.max(0, size - spec.suffix) : spec.first
    const last = 'suffix' in spec ? size - 1 : Math.min(spec.last, size - 1)
    if (first <= last) withTimeout.push({ first, last })
  }
  withTimeout.sort((a, b) => a.first - b.first)
  const [start, ...rest] = withTimeout
  if (start === undefined) return 'unsatisfiable'
  let last = start.last
  for (const next of rest) {
    if (next.first > last + 1) return 'whole'
    last = Math.max(last, next.last)
  }
  const range = { offset: start.first, length: last - start.first + 1 }
  return specs.length > 1 && range.length === size ? 'whole' : range
}
