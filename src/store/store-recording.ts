import type { Subject } from '../authenticate/subject.ts'
import { authorize } from '../authorize/authorize.ts'
import { mediaTypeOf, safeMediaType, UNKNOWN_TYPE } from '../deliver/media-type.ts'
import { failedPrecondition } from '../deliver/preconditions.ts'
import type { RecordingStore, StoredPart } from '../deliver/recording-store.ts'
import { responseHeaders } from '../deliver/response-headers.ts'
import type { Attempt } from '../ledger/observe.ts'
import { type Binding, type Place, settled } from '../recording.ts'
import { Fault, isRefused, type Refused, refused } from '../refusal.ts'
import { StorageFault } from '../storage-fault.ts'

/** What storing takes beside the request. */
export interface Storage {
  readonly store: RecordingStore
  /** The issuers whose subjects can be owners. */
  readonly issuers: readonly string[]
  /** Where the objects of a recording can be, as `RecordingStore.claim` takes it. */
  readonly places: (recording: string) => readonly string[]
}

// An id as it can stand in a header and in object metadata without changing on the way.
const ID = /^[\x21-\x7e]{1,255}$/
/** Last-Modified has whole seconds: two versions of one part must not share one (RFC 9110 8.8.2.2). */
const BETWEEN_VERSIONS = 1000

/**
 * Stores a part for a recorder, stamped with its owner. A recording that is bound to one owner is never bound to
 * another: neither this part nor any other of the same recording.
 */
export async function storeRecording(
  attempt: Attempt,
  place: Place,
  recorder: Subject,
  { store, issuers, places }: Storage,
  crossOrigin: Record<string, string>,
): Promise<Response | Refused> {
  const { request } = attempt
  const decision = authorize({ subject: recorder, action: 'store', recording: null })
  if (isRefused(decision)) return decision
  const upload = readUpload(request, place, recorder, issuers)
  if (isRefused(upload)) return upload
  const { binding, size, contentType } = upload
  const unavailable = Fault.as('store_unavailable')

  const soleIssuer = issuers.length === 1 ? issuers[0] : undefined
  const present = await store.find(place.key).catch(unavailable)
  if (present !== null && !sameOwner(settled(present.binding, soleIssuer), binding)) {
    return conflict(attempt, present.binding)
  }
  const failed = failedPrecondition(request.method, request.headers, present, attempt.at)
  if (failed !== undefined)
    return new Response(null, { status: failed, headers: responseHeaders(crossOrigin) })
  const claimed = await store.claim(place.recording, binding, places(place.recording)).catch(unavailable)
  if (!sameOwner(settled(claimed, soleIssuer), binding)) return conflict(attempt, claimed)

  if (present !== null) await pause(present.modified + BETWEEN_VERSIONS - attempt.at)
  let stored: StoredPart | null
  try {
    const replaces = present?.etag ?? null
    stored = await store.put(place.key, request.body, { size, contentType, binding, replaces })
  } catch (error) {
    if (error instanceof StorageFault) return unavailable(error)
    // The upload broke off, or the store did. A store that still answers wasn't it.
    await store.find(place.key).catch(unavailable)
    return refused(
      'upload_invalid',
      'The upload broke off, or was not as long as Content-Length said: send it again',
    )
  }
  if (stored === null) {
    return refused(
      'upload_conflict',
      'Another upload of this part was faster: look at it, and send yours again',
    )
  }
  return created(stored, present === null ? 201 : 200, crossOrigin)
}

async function pause(milliseconds: number): Promise<void> {
  if (milliseconds > 0)
    await new Promise(resolve => setTimeout(resolve, Math.min(milliseconds, BETWEEN_VERSIONS)))
}

function readUpload(
  request: Request,
  place: Place,
  recorder: Subject,
  issuers: readonly string[],
): { binding: Binding; size: number; contentType: string } | Refused {
  const owner = request.headers.get('mediaward-owner') ?? ''
  const issuer = request.headers.get('mediaward-owner-issuer') ?? recorder.issuer
  const consultation = request.headers.get('mediaward-consultation')
  const size = Number(request.headers.get('content-length') ?? Number.NaN)
  if (!ID.test(owner)) {
    return refused(
      'upload_invalid',
      'Mediaward-Owner must name the patient: 1 to 255 visible ASCII characters',
    )
  }
  if (!issuers.includes(issuer)) {
    // Else the recording would be bound for good to somebody who can never ask for it.
    return refused('upload_invalid', 'Mediaward-Owner-Issuer must be one of the issuers that the gate trusts')
  }
  if (consultation !== null && !ID.test(consultation)) {
    return refused('upload_invalid', 'Mediaward-Consultation must be 1 to 255 visible ASCII characters')
  }
  if (!Number.isSafeInteger(size) || size < 0) {
    return refused(
      'upload_invalid',
      'Content-Length is missing: the size must be known before the first byte',
    )
  }
  // RFC 9110 14.5: a part of a part would be stored as the whole.
  if (request.headers.has('content-range')) {
    return refused('upload_invalid', 'Content-Range is not supported: send the whole part')
  }
  const sent = safeMediaType(request.headers.get('content-type') ?? undefined)
  return {
    binding: {
      owner,
      issuer,
      ...(recorder.tenant !== undefined && { tenant: recorder.tenant }),
      ...(consultation !== null && { consultation }),
    },
    size,
    contentType: sent === UNKNOWN_TYPE ? mediaTypeOf(place.part ?? place.key) : sent,
  }
}

function sameOwner(a: Binding, b: Binding): boolean {
  return a.owner === b.owner && a.issuer === b.issuer && a.tenant === b.tenant
}

function conflict(attempt: Attempt, binding: Binding): Refused {
  attempt.binding = binding
  return refused('binding_conflict', 'This recording is bound to another owner: store under a new id')
}

function created(part: StoredPart, status: 200 | 201, crossOrigin: Record<string, string>): Response {
  return Response.json(
    { size: part.size },
    { status, headers: responseHeaders(crossOrigin, { ETag: part.etag }) },
  )
}
