import type { Subject } from '../authenticate/subject.ts'
import { mediaTypeOf, safeMediaType, UNKNOWN_TYPE } from '../deliver/media-type.ts'
import { failedPrecondition } from '../deliver/preconditions.ts'
import type { RecordingStore, StoredPart } from '../deliver/recording-store.ts'
import { responseHeaders } from '../deliver/response-headers.ts'
import type { Attempt } from '../ledger/observe.ts'
import type { Binding, Place } from '../recording.ts'
import { Fault, isRefused, type Refused, refused } from '../refusal.ts'

/** How often a part that changes under our hands is looked at anew. */
const ATTEMPTS = 3
// An id as it can stand in a header and in object metadata without changing on the way.
const ID = /^[\x21-\x7e]{1,255}$/

/**
 * Stores a part for a recorder, stamped with its owner. A recording that is bound to one owner is never bound to
 * another: neither this part nor any other of the same recording.
 */
export async function storeRecording(
  attempt: Attempt,
  place: Place,
  recorder: Subject,
  store: RecordingStore,
  crossOrigin: Record<string, string>,
): Promise<Response | Refused> {
  const { request } = attempt
  const upload = readUpload(request, place, recorder)
  if (isRefused(upload)) return upload
  const { binding, size, contentType } = upload
  const unavailable = Fault.as('store_unavailable')
  for (let i = 0; i < ATTEMPTS; i++) {
    const present = await store.find(place.key).catch(unavailable)
    if (present !== null && !sameOwner(present.binding, binding)) return conflict(attempt, present.binding)
    const failed = failedPrecondition(request.method, request.headers, present, attempt.at)
    if (failed !== undefined)
      return new Response(null, { status: failed, headers: responseHeaders(crossOrigin) })
    const claimed = await store.claim(place.recording, binding).catch(unavailable)
    if (!sameOwner(claimed, binding)) return conflict(attempt, claimed)
    const stored = await store
      .put(place.key, request.body, { size, contentType, binding, replaces: present?.etag ?? null })
      .catch(unavailable)
    if (stored !== null) return created(stored, present === null ? 201 : 200, crossOrigin)
    // Somebody else stored this part in the meantime. Its bytes are used up only if the store had begun to read them.
    if (request.bodyUsed) break
  }
  throw new Fault('store_unavailable')
}

function readUpload(
  request: Request,
  place: Place,
  recorder: Subject,
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
  if (!ID.test(issuer)) {
    return refused(
      'upload_invalid',
      'Mediaward-Owner-Issuer must be an issuer: 1 to 255 visible ASCII characters',
    )
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
