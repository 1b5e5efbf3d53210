import { StorageFault } from '../base/storage-fault.ts'
import { RequestBody } from '../http/request-body.ts'
import { jsonResponse } from '../http/response-headers.ts'
import { DigestMismatch, NameTaken, type StoredPart } from '../recordings/recording-store.ts'
import { type CompletedPart, UploadUnknown } from '../recordings/uploads.ts'
import { Fault, Refusal } from '../refusal.ts'
import { type Deposit, invalidUpload } from './deposit.ts'

/** Last-Modified has whole seconds: two versions of one part must not share one (RFC 9110 8.8.2.2). */
const BETWEEN_VERSIONS = 1000

/** Waits until the date of a new version differs from that of the one before. */
export async function waitForNewSecond(present: StoredPart | null, now: number): Promise<void> {
  const left = present === null ? 0 : present.modified + BETWEEN_VERSIONS - now
  if (left > 0) await new Promise(resolve => setTimeout(resolve, Math.min(left, BETWEEN_VERSIONS)))
}

/**
 * Answers that a part was stored.
 *
 * @param stored null if another upload was faster, so that nothing was stored
 */
export function storedResponse(stored: CompletedPart | null, present: StoredPart | null): Response | Refusal {
  if (stored === null) {
    return new Refusal(
      'upload_conflict',
      'Another upload of this part was faster: look at it, and send yours again',
    )
  }
  return jsonResponse({ size: stored.size }, present === null ? 201 : 200, { ETag: stored.etag })
}

/** Returns the body of an upload, as a store is handed it. */
export function uploadBody({ context, services }: Deposit): RequestBody {
  return RequestBody.flowing(services.bodyTimeouts.upload, context.request.body)
}

/** Reads from Content-Length how many bytes are to come. */
export function contentLengthFromHeaders({ headers }: Request): number | Refusal {
  const length = headers.get('content-length')
  if (length === null) {
    return new Refusal(
      'length_required',
      'Content-Length is missing: the size must be known before the first byte',
    )
  }
  return /^\d{1,16}$/.test(length) ? Number(length) : invalidUpload('Content-Length must be a number')
}

/**
 * Refuses an upload whose bytes were not stored, and says why.
 *
 * @throws Fault if it was the store that failed
 */
export async function uploadFailure(
  error: unknown,
  body: RequestBody,
  { ref, services }: Deposit,
): Promise<Refusal> {
  if (body.isLate) {
    return new Refusal('request_timeout', 'No byte of the upload came for too long: send it again')
  }
  if (error instanceof StorageFault || error instanceof UploadUnknown || error instanceof NameTaken) {
    return storeFailure(error)
  }
  if (error instanceof DigestMismatch) {
    return invalidUpload(
      'The bytes that came have another SHA-256 than their digest says: nothing was stored, send them again',
    )
  }
  // The upload broke off, or the store did. A store that still answers wasn't it.
  await services.store.find(ref.key).catch(storeFailure)
  return invalidUpload('The upload broke off, or was not as long as Content-Length said: send it again')
}

/**
 * Refuses what a recorder asks for if a store did not do it, and says why.
 *
 * @throws Fault if the store failed
 */
export function storeFailure(error: unknown): Refusal {
  if (error instanceof UploadUnknown) return uploadUnknown()
  if (!(error instanceof NameTaken)) throw new Fault('store_unavailable', error)
  return new Refusal(
    'upload_conflict',
    'The store ignores case, and holds a recording or part whose name differs in nothing else: store under another name',
  )
}

/** Refuses an unknown upload. Doesn't say whether it exists for another part. */
export function uploadUnknown(): Refusal {
  return new Refusal(
    'upload_conflict',
    'This part has no upload of that name, or its pieces are missing or differ: begin again',
  )
}
