import { StorageFault } from '../../base/storage-fault.ts'
import { findStamp } from '../../recordings/find-stamp.ts'
import { type Ownership, PROBE_KEY } from '../../recordings/recording.ts'
import {
  BytesUnavailable,
  DamagedPart,
  type OpenedPart,
  type PutOptions,
  type RecordingStore,
  type RequestedRange,
  type StoredPart,
} from '../../recordings/recording-store.ts'
import { cancelBody, S3Refusal } from './answer.ts'
import { S3_LIMITS, S3Client, type S3Limits } from './client.ts'
import { conditionFor, createConditionCheck } from './conditions.ts'
import type { Accepted } from './exchange.ts'
import { foundPart, modifiedAt, openedPart, stampsFor } from './facts.ts'
import type { S3Options } from './options.ts'
import { checkS3Key, isS3Key } from './request.ts'
import { S3Uploads } from './uploads.ts'

export type { S3Options } from './options.ts'

/**
 * Creates a store of recordings in an S3-compatible store, for Deno and Node. Each object's metadata names its owner,
 * with the same names as in R2: `x-amz-meta-mw-owner` and so on.
 *
 * The store is trusted with what it holds and with what it says of it. Its own error messages are never passed on: no
 * error holds an address, the bucket, a key, or any part of the credentials.
 *
 * @param options as they are checked by `local` and by the reading of variables, and not here
 */
export function createS3Store(options: S3Options, limits: S3Limits = S3_LIMITS): RecordingStore {
  return new S3Store(new S3Client(options, limits))
}

class S3Store implements RecordingStore {
  readonly #client: S3Client
  /** Resolves if the store honours conditions. */
  readonly #checkConditions: () => Promise<void>
  readonly uploads: S3Uploads
  // HEAD answers 404 for a missing object and for a missing bucket alike, without a body. So GET is used until the
  // bucket was seen. It is not used in addition: the time of a second request would reveal that the object is absent.
  #bucketSeen = false

  constructor(client: S3Client) {
    this.#client = client
    this.#checkConditions = createConditionCheck(client)
    this.uploads = new S3Uploads(client, this.#checkConditions, key => this.find(key))
  }

  async find(key: string): Promise<StoredPart | DamagedPart | null> {
    if (this.#bucketSeen) return this.#look('HeadObject', key)
    try {
      return await this.#look('GetObject', key)
    } catch (fault) {
      // HEAD may give the facts of an object whose bytes can't be had. A 404 to HEAD proves nothing yet.
      const facts = await this.#look('HeadObject', key).catch(() => null)
      if (facts !== null) return facts
      throw fault instanceof BytesUnavailable ? fault.cause : fault
    }
  }

  async open(key: string, range?: RequestedRange): Promise<OpenedPart | null> {
    const headers = range === undefined ? {} : { range: rangeHeader(range) }
    const request = { operation: 'GetObject', key, headers } as const
    const answer = await this.#client.ask(request, response => openedPart(response, range))
    return answer instanceof S3Refusal ? this.#absent(answer) : this.#seen(answer)
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array> | null,
    options: PutOptions,
  ): Promise<StoredPart | null> {
    checkS3Key(key)
    const headers = { ...stampsFor(options), ...conditionFor(options.replaces) }
    await this.#checkConditions()
    const answer = await this.#client.send({ operation: 'PutObject', key, headers }, body, options)
    if (answer instanceof S3Refusal) {
      if (answer.isConditionFailed) return null
      throw answer.fault()
    }
    this.#bucketSeen = true
    // The answer to PutObject may not say when the object was stored. It is stored even if this look fails.
    const found = await this.find(key).catch(() => null)
    return storedPart(answer, options, found)
  }

  stampBelow(prefix: string): Promise<Ownership | null> {
    return findStamp(this, prefix, { keyBelow: below => this.#client.firstKeyBelow(below), isKey: isS3Key })
  }

  async removeProbe(): Promise<boolean> {
    const answer = await this.#client.send({ operation: 'DeleteObject', key: PROBE_KEY }, null, { size: 0 })
    if (!(answer instanceof S3Refusal)) return true
    // A key that may not delete is better than one that may: the gate never needs to.
    if (answer.status === 403) return false
    throw answer.fault()
  }

  async #look(operation: 'HeadObject' | 'GetObject', key: string): Promise<StoredPart | DamagedPart | null> {
    const answer = await this.#client.ask({ operation, key }, response => {
      cancelBody(response)
      return foundPart(response)
    })
    return answer instanceof S3Refusal ? this.#absent(answer) : this.#seen(answer)
  }

  #seen<Part>(part: Part): Part {
    this.#bucketSeen = true
    return part
  }

  /**
   * Returns null if the store says that the object doesn't exist.
   *
   * @throws BytesUnavailable if it withholds the bytes of an object that may exist; else StorageFault
   */
  #absent(refusal: S3Refusal): null {
    const { operation, status, code } = refusal
    if (status === 404 && operation === 'HeadObject') return null
    if (status === 404 && code === 'NoSuchKey') return this.#seen(null)
    const fault = refusal.fault()
    if (operation === 'GetObject' && WITHHELD.has(status)) throw new BytesUnavailable(this.#seen(fault))
    if (code === 'NoSuchBucket') this.#bucketSeen = false
    throw fault
  }
}

/**
 * The statuses by which a store withholds bytes from GET: 400 for an object whose KMS key is disabled, 403 also for an
 * archived object, 416 for a range beyond the end. HEAD then gives the owner. If the whole account gets 400, as with an
 * expired token, HEAD fails as well.
 */
const WITHHELD: ReadonlySet<number> = new Set([400, 403, 416])

function rangeHeader(range: RequestedRange): string {
  if ('suffix' in range) return `bytes=-${range.suffix}`
  const { offset, length } = range
  return `bytes=${offset}-${length === undefined ? '' : offset + length - 1}`
}

/** Returns the facts of what was just stored: as `find` gives them, unless another version has replaced it already. */
function storedPart(
  { headers: { etag, date } }: Accepted,
  { size, contentType, ownership }: PutOptions,
  found: StoredPart | DamagedPart | null,
): StoredPart {
  const seen = found instanceof DamagedPart ? null : found
  if (seen !== null && seen.etag === etag) return seen
  const modified = modifiedAt(date) ?? seen?.modified
  if (etag === undefined || modified === undefined) {
    throw new StorageFault('S3 answered PutObject without an entity tag or a date')
  }
  return { size, etag, modified, contentType, ownership }
}
