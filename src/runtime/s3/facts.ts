import { StorageFault } from '../../base/storage-fault.ts'
import { type ByteRange, servedRange } from '../../http/byte-range.ts'
import { storedEncoding } from '../../http/content-coding.ts'
import { parseHttpDate } from '../../http/http-date.ts'
import { metadataOf, ownershipOf } from '../../recordings/object-metadata.ts'
import type { Ownership } from '../../recordings/recording.ts'
import {
  BytesUnavailable,
  DamagedPart,
  type OpenedPart,
  type PutOptions,
  type RequestedRange,
  type StoredPart,
} from '../../recordings/recording-store.ts'
import { cancelBody } from './answer.ts'
import { cuttable } from './cuttable-body.ts'

const META = 'x-amz-meta-'
const STRONG_TAG = /^"[\x21\x23-\x7e]+"$/
// Spaces at the ends, and several in a row, would be lost in transit. R2 decodes what looks like an encoded word (RFC
// 2047).
const STAMP = /^(?!.*=\?)[\x21-\x7e]+(?: [\x21-\x7e]+)*$/

/**
 * Returns the headers that stamp an object with its facts.
 *
 * @throws StorageFault if a header can't carry the ownership
 */
export function stampsFor({
  contentType,
  ownership,
}: Pick<PutOptions, 'contentType' | 'ownership'>): Record<string, string> {
  const stamps = Object.entries(metadataOf(ownership))
  if (!stamps.every(([, value]) => STAMP.test(value))) {
    throw new StorageFault('owner, issuer and tenant in S3 must be visible ASCII, with single spaces at most')
  }
  return {
    'content-type': contentType,
    ...Object.fromEntries(stamps.map(([name, value]) => [META + name, value])),
  }
}

/** Returns the facts in the headers of an answer. Damaged facts still have the object's ownership. */
export function foundPart({ headers }: Response): StoredPart | DamagedPart {
  try {
    return factsOf(headers, lengthOf(headers))
  } catch (fault) {
    return new DamagedPart(fault, stampedOwnership(headers))
  }
}

/**
 * Returns the object in the answer to GET.
 *
 * @throws BytesUnavailable if the object can't satisfy the range, or its bytes or facts are damaged
 */
export function openedPart(response: Response, range: RequestedRange | undefined): OpenedPart {
  try {
    const whole = { offset: 0, length: lengthOf(response.headers) }
    const partial = response.status === 206 ? contentRange(response.headers) : undefined
    const size = partial?.size ?? whole.length
    const facts = factsOf(response.headers, size)
    const asked = servedRange(range, size)
    // Fetch would decode coded bytes before we see them, and no length or range would fit.
    if (asked === undefined || facts.encoding !== undefined) throw new BytesUnavailable()
    // A store without ranges sends the whole. `range` of the part says which bytes the body holds.
    const held = partial ?? whole
    if (held.length !== whole.length || (partial !== undefined && !same(held, asked))) {
      throw new StorageFault('S3 answered GetObject with another range than was asked for')
    }
    const { offset, length } = held
    const body = response.body ?? new Blob([]).stream()
    return { ...facts, range: { offset, length }, ...cuttable(body, length) }
  } catch (error) {
    cancelBody(response)
    throw error instanceof BytesUnavailable ? error : new BytesUnavailable(error)
  }
}

function factsOf(headers: Headers, size: number): StoredPart {
  const etag = headers.get('etag') ?? ''
  // By a weak tag, a client could join bytes of two versions (RFC 9110 8.8.1).
  if (!STRONG_TAG.test(etag)) throw new StorageFault('S3 answered without a strong entity tag')
  const modified = modifiedAt(headers.get('last-modified'))
  if (modified === undefined) throw new StorageFault('S3 answered without a Last-Modified')
  const contentType = headers.get('content-type')
  const encoding = storedEncoding(headers.get('content-encoding'))
  const disposition = headers.get('content-disposition')
  return {
    size,
    etag,
    modified,
    ...(contentType !== null && { contentType }),
    ...(encoding !== undefined && { encoding }),
    ...(disposition !== null && { disposition }),
    ownership: stampedOwnership(headers),
  }
}

/** Returns the milliseconds since 1970 of an HTTP date in the current format. */
export function modifiedAt(date: string | null | undefined): number | undefined {
  return parseHttpDate(date ?? '', 0)
}

/** Reads the ownership. Values that aren't ASCII come as encoded words and are not decoded, so they equal no owner. */
function stampedOwnership(headers: Headers): Ownership {
  // The store left out stamps that no header can carry. Without its tenant, more people could open a recording.
  if (Number(headers.get('x-amz-missing-meta') ?? 0) !== 0) return {}
  return ownershipOf(
    Object.fromEntries(
      [...headers].flatMap(([name, value]) =>
        name.startsWith(META) ? [[name.slice(META.length), value]] : [],
      ),
    ),
  )
}

function lengthOf(headers: Headers): number {
  const value = headers.get('content-length') ?? ''
  const length = Number(value)
  if (!/^\d{1,16}$/.test(value) || !Number.isSafeInteger(length)) {
    throw new StorageFault('S3 answered without a Content-Length')
  }
  return length
}

function contentRange(headers: Headers): ByteRange & { readonly size: number } {
  // For an empty object some servers answer "bytes 0--1/0", a range of no bytes.
  const match = /^bytes (\d{1,16})-(-?\d{1,16})\/(\d{1,16})$/.exec(headers.get('content-range') ?? '')
  const [first, last, size] = (match ?? []).slice(1).map(Number)
  if (first === undefined || last === undefined || size === undefined || !Number.isSafeInteger(size)) {
    throw new StorageFault('S3 answered 206 to GetObject without a Content-Range')
  }
  return { offset: first, length: last - first + 1, size }
}

const same = (a: ByteRange, b: ByteRange): boolean => a.offset === b.offset && a.length === b.length
