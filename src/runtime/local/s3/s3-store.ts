import { servedRange } from '../../../deliver/byte-range.ts'
import type {
  PutOptions,
  RecordingStore,
  RequestedRange,
  StoredPart,
} from '../../../deliver/recording-store.ts'
import { StorageFault } from '../../../storage-fault.ts'
import { claimByObject, claimedByObject } from '../../../store/claim-object.ts'
import { stampedByFinding } from '../../../store/stamped-by-finding.ts'
import { s3Answered } from './s3-answer.ts'
import { S3_LIMITS, type S3Limits, s3Asker } from './s3-ask.ts'
import { conditionFailed, conditionsTried } from './s3-conditions.ts'
import { conditionFor, foundPart, modifiedAt, openedPart, stampsFor } from './s3-facts.ts'
import { firstBelow } from './s3-listing.ts'
import type { S3Options } from './s3-options.ts'
import { checkKey, s3Signer } from './s3-request.ts'
import { s3Uploader } from './s3-upload.ts'
import { s3Uploads } from './s3-uploads.ts'

export { checkS3Options, type S3Options } from './s3-options.ts'

/**
 * Recordings in an S3-compatible store, for Deno and Node. Whose they are stands in each object's metadata, under the
 * same names as in R2: `x-amz-meta-mw-owner` and so on.
 *
 * The store is trusted with what it holds, and with what it says of it. What goes wrong with it is never told in its
 * own words: no error holds an address, the bucket, a key, or anything of the credentials.
 *
 * @param options as `checkS3Options` found them right
 */
export function s3Store(options: S3Options, limits: S3Limits = S3_LIMITS): RecordingStore {
  const sign = s3Signer(options)
  const ask = s3Asker(sign, limits)
  const upload = s3Uploader(sign, limits)
  const conditions = conditionsTried(upload)
  // HEAD says 404 of a missing object and of a missing bucket alike, without a word. So until the bucket was seen, GET
  // is asked as well; not always, or the time that it takes would tell who asks that an object isn't there.
  let bucketSeen = false

  const store: RecordingStore = {
    async find(key) {
      const answer = await ask({ operation: 'HeadObject', key }, foundPart)
      if (!('status' in answer)) {
        bucketSeen = true
        return answer
      }
      if (answer.status !== 404) throw s3Answered(answer, 'HeadObject')
      if (bucketSeen) return null
      const opened = await store.open(key, { offset: 0, length: 1 })
      if (opened === null || !('body' in opened)) return opened
      const { body, range: _, ...part } = opened
      body.cancel().catch(() => {})
      return part
    },

    async open(key, range) {
      // There is no header that says "the last 0 bytes".
      if (range !== undefined && 'suffix' in range && range.suffix === 0) return store.find(key)
      const headers = range === undefined ? {} : { range: rangeHeader(range) }
      const answer = await ask({ operation: 'GetObject', key, headers }, response =>
        openedPart(response, range),
      )
      if (!('status' in answer)) {
        bucketSeen = true
        return answer
      }
      const { status, code } = answer
      if (code === 'NoSuchBucket') bucketSeen = false
      if (status === 404 && code === 'NoSuchKey') {
        bucketSeen = true
        return null
      }
      if (status !== 416 || range === undefined) throw s3Answered(answer, 'GetObject')
      bucketSeen = true
      const part = await store.find(key)
      if (part === null || servedRange(range, part.size) === undefined) return part
      throw new StorageFault('S3 answered 416 to GetObject of a range that it has')
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

    ...s3Uploads(upload, conditions, key => store.find(key)),

    stamped: places => stampedByFinding(store, places, prefix => firstBelow(ask, prefix)),

    claimed: recording => claimedByObject(store, recording),

    claim: (recording, binding, places) => claimByObject(store, recording, binding, places),
  }
  return store
}

function rangeHeader(range: RequestedRange): string {
  if ('suffix' in range) return `bytes=-${range.suffix}`
  const { offset, length } = range
  return `bytes=${offset}-${length === undefined ? '' : offset + length - 1}`
}

/** The facts of what was just stored: as `find` gives them, unless another version took its place at once. */
function storedPart(
  { etag, date }: { readonly etag?: string | undefined; readonly date?: string | undefined },
  { size, contentType, binding }: PutOptions,
  found: StoredPart | null,
): StoredPart {
  if (found !== null && found.etag === etag) return found
  const modified = modifiedAt(date) ?? found?.modified
  if (etag === undefined || modified === undefined) {
    throw new StorageFault('S3 answered PutObject without an entity tag or a date')
  }
  return { size, etag, modified, contentType, binding }
}
