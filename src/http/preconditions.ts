import { matchesStrongly, matchesWeakly, parseEntityTags } from './entity-tag.ts'
import { parseHttpDate } from './http-date.ts'

/** What a stored object is compared by. */
export interface Validators {
  /** Strong entity tag with its quotes. */
  readonly etag: string
  /** Milliseconds since 1970, whole seconds. */
  readonly modified: number
}

/**
 * Evaluates the preconditions of a request in the order of RFC 9110 13.2.2. Only ever called after a permit: the
 * answer tells that the recording exists, and its validators.
 *
 * A validator that is malformed is ignored, except in If-Match, where ignoring it would let a request through that
 * asked not to be: it matches nothing.
 *
 * @param current null where there is no object: then only a request that asks for one, or for none, is affected
 * @returns 412 or 304 where the request ends here
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
 * Whether a range may be served as far as If-Range says (RFC 9110 13.1.5): only if the validator is exactly that of
 * the object, strong, and one. Anything else gets the whole object, never a part of another version.
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
