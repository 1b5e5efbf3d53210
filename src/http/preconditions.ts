import { matchesStrongly, matchesWeakly, parseEntityTags } from './entity-tag.ts'
import { parseHttpDate } from './http-date.ts'

/** The validators of a stored object. */
export interface Validators {
  /** Strong entity tag with its quotes. */
  readonly etag: string
  /** Milliseconds since 1970, whole seconds. */
  readonly modified: number
}

/**
 * Evaluates the preconditions of a request in the order of RFC 9110 13.2.2. Call it only after a permit: the answer
 * reveals that the recording exists, and its validators.
 *
 * A malformed validator is ignored, except in If-Match: there it matches nothing, because ignoring it would perform a
 * request that was meant to be conditional.
 *
 * @param current null if there is no object. Then only If-Match has an effect
 * @returns 412 or 304 if the request ends here
 */
export function failedPrecondition(
  method: string,
  headers: Headers,
  current: Validators | null,
  now: number,
): 304 | 412 | undefined {
  const ifMatch = headers.get('if-match')
  const unmodifiedSince = date(headers.get('if-unmodified-since'), now)
  if (ifMatch !== null) {
    if (!matches(ifMatch, current, matchesStrongly)) return 412
  } else if (unmodifiedSince !== undefined && current !== null && current.modified > unmodifiedSince)
    return 412

  const reading = method === 'GET' || method === 'HEAD'
  const ifNoneMatch = headers.get('if-none-match')
  const modifiedSince = date(headers.get('if-modified-since'), now)
  if (ifNoneMatch !== null) {
    if (matches(ifNoneMatch, current, matchesWeakly)) return reading ? 304 : 412
  } else if (reading && modifiedSince !== undefined && current !== null && current.modified <= modifiedSince)
    return 304
  return undefined
}

/**
 * Returns whether If-Range allows a range to be served (RFC 9110 13.1.5): only if it holds exactly one validator, strong
 * and equal to the object's. Otherwise the client gets the whole object, never a part of another version.
 */
export function rangeHolds(ifRange: string | null, current: Validators, now: number): boolean {
  if (ifRange === null) return true
  const modified = parseHttpDate(ifRange, now)
  if (modified !== undefined) return modified === current.modified
  const tags = parseEntityTags(ifRange)
  return tags?.length === 1 && matchesStrongly(tags, current.etag)
}

function matches(
  header: string,
  current: Validators | null,
  compare: typeof matchesStrongly | typeof matchesWeakly,
): boolean {
  if (current === null) return false
  if (header === '*') return true
  const tags = parseEntityTags(header)
  return tags !== undefined && compare(tags, current.etag)
}

const date = (header: string | null, now: number): number | undefined =>
  header === null ? undefined : parseHttpDate(header, now)
