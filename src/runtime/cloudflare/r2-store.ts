import { storedEncoding } from '../../http/content-coding.ts'
import { claimByObject, claimedByObject } from '../../recordings/claim.ts'
import { bindingOf, metadataOf } from '../../recordings/object-metadata.ts'
import {
  BytesUnavailable,
  DigestMismatch,
  type OpenedPart,
  type RecordingStore,
  type RequestedRange,
  type StoredPart,
} from '../../recordings/recording-store.ts'
import type { Bucket, BucketBody, BucketObject, BucketPut, BucketRange } from './bindings.ts'
import { sendAll } from './r2-sending.ts'
import { createR2Uploads } from './r2-uploads.ts'

/**
 * Recordings in an R2 bucket. Whose they are stands in each object's custom metadata: `mw-owner`, `mw-issuer`,
 * `mw-tenant`, `mw-consultation`.
 */
export function createR2Store(bucket: Bucket): RecordingStore {
  const store: RecordingStore = {
    async find(key) {
      const object = await bucket.head(key)
      return object && factsOf(object)
    },

    async open(key, range) {
      if (range === undefined) return opened(await bucket.get(key))
      // Production says (10039) of a range that can't be satisfied, the local simulator sometimes only that something
      // failed: the facts tell which.
      const object = await bucket.get(key, { range: r2Range(range) }).catch((error: unknown) => {
        throw new BytesUnavailable(error)
      })
      return opened(object)
    },

    async put(key, body, { size, contentType, binding, replaces, sha256 }) {
      const options: BucketPut = {
        httpMetadata: { contentType },
        customMetadata: metadataOf(binding),
        onlyIf: replaces === null ? { etagDoesNotMatch: '*' } : { etagMatches: unquoted(replaces) },
        ...(sha256 !== undefined && { sha256 }),
      }
      const object = await sendAll(body, { size }, bytes => bucket.put(key, bytes, options)).catch(
        (error: unknown) => {
          throw sha256 !== undefined && isBadDigest(error) ? new DigestMismatch() : error
        },
      )
      return object && factsOf(object)
    },

    ...createR2Uploads(bucket),

    async stamped(keyPrefixes) {
      const found = await Promise.all(keyPrefixes.map(ref => firstAt(bucket, ref)))
      return found.flatMap(object => (object === null ? [] : [bindingOf(object.customMetadata)]))
    },

    claimed: recording => claimedByObject(store, recording),

    claim: (...claim) => claimByObject(store, ...claim),
  }
  return store
}

async function firstAt(bucket: Bucket, ref: string): Promise<BucketObject | null> {
  if (!ref.endsWith('/')) return bucket.head(ref)
  // After the folder's own name, under which some tools store an empty object as its marker.
  const page = { prefix: ref, startAfter: ref, limit: 1, include: ['customMetadata' as const] }
  const { objects } = await bucket.list(page)
  return objects[0] ?? null
}

function factsOf(object: BucketObject): StoredPart {
  const { contentType, contentDisposition: disposition, contentEncoding } = object.httpMetadata ?? {}
  const encoding = storedEncoding(contentEncoding)
  return {
    size: object.size,
    etag: object.httpEtag,
    // Last-Modified has seconds; what is compared with it must not have more.
    modified: Math.floor(object.uploaded.getTime() / 1000) * 1000,
    ...(contentType !== undefined && { contentType }),
    ...(encoding !== undefined && { encoding }),
    ...(disposition !== undefined && { disposition }),
    binding: bindingOf(object.customMetadata),
  }
}

async function opened(object: BucketBody | null): Promise<OpenedPart | null> {
  if (object === null) return null
  const facts = factsOf(object)
  if (facts.encoding === undefined) return { ...facts, body: object.body, range: servedRange(object) }
  await object.body.cancel()
  throw new BytesUnavailable()
}

/** R2 always says which range it serves, in one of several shapes, some with members that are undefined. */
function servedRange({ range, size }: BucketBody): { offset: number; length: number } {
  const { offset, length, suffix } = (range ?? {}) as { offset?: number; length?: number; suffix?: number }
  if (typeof suffix === 'number')
    return { offset: Math.max(0, size - suffix), length: Math.min(suffix, size) }
  const start = offset ?? 0
  return { offset: start, length: Math.min(length ?? size, size - start) }
}

function r2Range(range: RequestedRange): BucketRange {
  return 'suffix' in range ? { suffix: range.suffix } : { ...range }
}

const unquoted = (etag: string): string => etag.replace(/^"|"$/g, '')

/** R2's word for a digest that isn't that of the bytes. It stored none of them. */
function isBadDigest(error: unknown): boolean {
  return error instanceof Error && error.message.endsWith('(10037)')
}
