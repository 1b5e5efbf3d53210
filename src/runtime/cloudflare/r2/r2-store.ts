import { storedEncoding } from '../../../http/content-coding.ts'
import { metadataOf, ownershipOf } from '../../../recordings/object-metadata.ts'
import { type Ownership, PROBE_KEY } from '../../../recordings/recording.ts'
import {
  BytesUnavailable,
  DigestMismatch,
  type OpenedPart,
  type PutOptions,
  type RecordingStore,
  type RequestedRange,
  type StoredPart,
} from '../../../recordings/recording-store.ts'
import type { Bucket, BucketBody, BucketObject, BucketPut, BucketRange } from '../bindings.ts'
import { cuttable } from './r2-body.ts'
import { R2Failure, r2Failed } from './r2-failure.ts'
import { sendAll } from './r2-sending.ts'
import { R2Uploads } from './r2-uploads.ts'

/** R2's code if the bytes have another digest than was announced. Then it stored none of them. */
const BAD_DIGEST = '10037'

/**
 * Creates a store of recordings in an R2 bucket. Each object's custom metadata names its owner: `mw-owner`, `mw-issuer`,
 * `mw-tenant`, `mw-consultation`.
 */
export function createR2Store(bucket: Bucket): RecordingStore {
  return new R2Store(bucket)
}

class R2Store implements RecordingStore {
  readonly givesFacts = 'whole'
  readonly #bucket: Bucket
  readonly uploads: R2Uploads

  constructor(bucket: Bucket) {
    this.#bucket = bucket
    this.uploads = new R2Uploads(bucket)
  }

  async find(key: string): Promise<StoredPart | null> {
    const object = await this.#bucket.head(key).catch(r2Failed)
    return object && factsOf(object)
  }

  async open(key: string, range?: RequestedRange): Promise<OpenedPart | null> {
    if (range === undefined) return opened(await this.#bucket.get(key).catch(r2Failed))
    // For a range that can't be satisfied, R2 fails with (10039), and its local simulator sometimes with no code at all.
    // The facts from `find` then show which it was.
    const object = await this.#bucket.get(key, { range: r2Range(range) }).catch((error: unknown) => {
      throw new BytesUnavailable(new R2Failure(error))
    })
    return opened(object)
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array> | null,
    { size, contentType, ownership, replaces, sha256 }: PutOptions,
  ): Promise<StoredPart | null> {
    const options: BucketPut = {
      httpMetadata: { contentType },
      customMetadata: metadataOf(ownership),
      onlyIf: replaces === null ? { etagDoesNotMatch: '*' } : { etagMatches: unquoted(replaces) },
      ...(sha256 !== undefined && { sha256 }),
    }
    // R2 checks the digest itself.
    const object = await sendAll(body, { size }, bytes => this.#bucket.put(key, bytes, options)).catch(
      (error: unknown) => {
        throw error instanceof R2Failure && error.code === BAD_DIGEST ? new DigestMismatch() : error
      },
    )
    return object && factsOf(object)
  }

  async stampBelow(prefix: string): Promise<Ownership | null> {
    // Starts after the folder's own name, under which some tools store an empty object as its marker.
    const page = { prefix, startAfter: prefix, limit: 1, include: ['customMetadata' as const] }
    const { objects } = await this.#bucket.list(page).catch(r2Failed)
    const [first] = objects
    return first === undefined ? null : ownershipOf(first.customMetadata)
  }

  async removeProbe(): Promise<boolean> {
    await this.#bucket.delete([PROBE_KEY]).catch(r2Failed)
    return true
  }
}

function factsOf(object: BucketObject): StoredPart {
  const { contentType, contentDisposition: disposition, contentEncoding } = object.httpMetadata ?? {}
  const encoding = storedEncoding(contentEncoding)
  return {
    size: object.size,
    etag: object.httpEtag,
    // Cut to whole seconds, since it is compared with dates of HTTP.
    modified: Math.floor(object.uploaded.getTime() / 1000) * 1000,
    ...(contentType !== undefined && { contentType }),
    ...(encoding !== undefined && { encoding }),
    ...(disposition !== undefined && { disposition }),
    ownership: ownershipOf(object.customMetadata),
  }
}

async function opened(object: BucketBody | null): Promise<OpenedPart | null> {
  if (object === null) return null
  const facts = factsOf(object)
  if (facts.encoding === undefined) {
    const range = rangeOf(object)
    return { ...facts, range, ...cuttable(object.body, range.length) }
  }
  await object.body.cancel().catch(() => {})
  throw new BytesUnavailable(undefined, facts)
}

/** Returns the range that R2 served. R2 states it in one of several shapes, some with members that are undefined. */
function rangeOf({ range, size }: BucketBody): { offset: number; length: number } {
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
