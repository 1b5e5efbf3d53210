import { StorageFault } from '../../base/storage-fault.ts'
import { stampedByFinding } from '../../ingest/stamped-by-finding.ts'
import { claimByObject, claimedByObject } from '../../recordings/claim.ts'
import {
  BytesUnavailable,
  type DamagedPart,
  type PutOptions,
  type RecordingStore,
  type RequestedRange,
  type StoredPart,
} from '../../recordings/recording-store.ts'
import { type S3Refusal, s3Answered } from './answer.ts'
import { discard, S3_LIMITS, type S3Limits, s3Asker } from './ask.ts'
import { conditionFailed, conditionsTried } from './conditions.ts'
import { conditionFor, foundPart, modifiedAt, openedPart, stampsFor } from './facts.ts'
import { keyBelow } from './listing.ts'
import type { S3Options } from './options.ts'
import { checkKey, isKey, s3Signer } from './request.ts'
import { s3Uploader } from './upload.ts'
import { createS3Uploads } from './uploads.ts'

export { checkS3Options, type S3Options } from './options.ts'

/**
 * Recordings in an S3-compatible store, for Deno and Node. Whose they are stands in each object's metadata, under the
 * same names as in R2: `x-amz-meta-mw-owner` and so on.
 *
 * The store is trusted with what it holds, and with what it says of it. What goes wrong with it is never told in its
 * own words: no error holds an address, the bucket, a key, or anything of the credentials.
 *
 * @param options as `checkS3Options` found them right
 */
export function createS3Store(options: S3Options, limits: S3Limits = S3_LIMITS): RecordingStore {
  const sign = s3Signer(options)
  const ask = s3Asker(sign, limits)
  const upload = s3Uploader(sign, limits)
  const conditions = conditionsTried(upload)
  // HEAD says 404 of a missing object and of a missing bucket alike, without a word. So until the bucket was seen, GET
  // is asked in its place. Not as well: the time of a second request would tell who asks that an object isn't there.
  let bucketSeen = false

  const store: RecordingStore = {
    async find(key) {
      const look = async (operation: 'HeadObject' | 'GetObject') => {
        const answer = await ask({ operation, key }, response => {
          discard(response)
          return foundPart(response)
        })
        return 'status' in answer ? noneOr(answer, operation) : found(answer)
      }
      if (bucketSeen) return look('HeadObject')
      try {
        return await look('GetObject')
      } catch (fault) {
        // Of bytes that can't be had HEAD may say whose they are. Its 404 says nothing yet.
        const facts = await look('HeadObject').catch(() => null)
        if (facts !== null) return facts
        throw fault instanceof BytesUnavailable ? fault.cause : fault
      }
    },

    async open(key, range) {
      const operation = 'GetObject'
      const headers = range === undefined ? {} : { range: rangeHeader(range) }
      const answer = await ask({ operation, key, headers }, response => openedPart(response, range))
      return 'status' in answer ? noneOr(answer, operation) : found(answer)
    },

    async put(key, body, put) {
      checkKey(key)
      const headers = { ...stampsFor(put), ...conditionFor(put.replaces) }
      await conditions()
      const answer = await upload({ operation: 'PutObject', key, headers }, body, put)
      if ('stored' in answer) {
        bucketSeen = true
        // PutObject doesn't say when it was. That it is stored is sure, also where this is not to be had.
        const found = await store.find(key).catch(() => null)
        return storedPart(answer.stored, put, found)
      }
      if (conditionFailed(answer)) return null
      throw s3Answered(answer, 'PutObject')
    },

    ...createS3Uploads(upload, conditions, key => store.find(key)),

    stamped: keyPrefixes => stampedByFinding(store, keyPrefixes, isKey, prefix => keyBelow(ask, prefix)),

    claimed: recording => claimedByObject(store, recording),

    claim: (...claim) => claimByObject(store, ...claim),
  }
  return store

  function found<Part>(part: Part): Part {
    bucketSeen = true
    return part
  }

  /**
   * @returns null where the store says that there is no such object
   * @throws BytesUnavailable where it keeps back the bytes of an object that may be there
   */
  function noneOr(answer: S3Refusal, operation: 'HeadObject' | 'GetObject'): null {
    const { status, code } = answer
    if (status === 404 && operation === 'HeadObject') return null
    if (status === 404 && code === 'NoSuchKey') return found(null)
    const fault = s3Answered(answer, operation)
    if (operation === 'GetObject' && WITHHELD.has(status)) throw new BytesUnavailable(found(fault))
    if (code === 'NoSuchBucket') bucketSeen = false
    throw fault
  }
}

/**
 * Statuses of GET by which a store keeps back bytes: 400 of an object whose KMS key is disabled, 403 of an archived
 * object too, 416 of a range beyond the end. HEAD says then whose it is. Where the whole account gets 400, as with an
 * expired token, HEAD fails as well.
 */
const WITHHELD: ReadonlySet<number> = new Set([400, 403, 416])

function rangeHeader(range: RequestedRange): string {
  if ('suffix' in range) return `bytes=-${range.suffix}`
  const { offset, length } = range
  return `bytes=${offset}-${length === undefined ? '' : offset + length - 1}`
}

/** The facts of what was just stored: as `find` gives them, unless another version took its place at once. */
function storedPart(
  { etag, date }: { readonly etag?: string | undefined; readonly date?: string | undefined },
  { size, contentType, binding }: PutOptions,
  found: StoredPart | DamagedPart | null,
): StoredPart {
  const seen = found !== null && 'etag' in found ? found : undefined
  if (seen !== undefined && seen.etag === etag) return seen
  const modified = modifiedAt(date) ?? seen?.modified
  if (etag === undefined || modified === undefined) {
    throw new StorageFault('S3 answered PutObject without an entity tag or a date')
  }
  return { size, etag, modified, contentType, binding }
}
