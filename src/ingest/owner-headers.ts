import type { Subject } from '../authorize/subject.ts'
import { present } from '../base/present.ts'
import { mediaTypeOf, safeMediaType, UNKNOWN_TYPE } from '../http/media-type.ts'
import type { ObjectRef, Ownership } from '../recordings/recording.ts'
import type { Refusal } from '../refusal.ts'
import { type IngestServices, invalidUpload } from './deposit.ts'

// An id that header fields and object metadata carry unchanged.
const ID = /^[\x21-\x7e]{1,255}$/

/** Reads whose a recording is, as its recorder says: the same with the whole and with every piece. */
export function ownerFromHeaders(
  headers: Headers,
  recorder: Subject,
  { issuers, defaultIssuer }: Pick<IngestServices, 'issuers' | 'defaultIssuer'>,
): Ownership | Refusal {
  const named = headers.get('mediaward-owner') ?? ''
  // A recorder may have an issuer of its own, whose subjects own nothing.
  const own = issuers.owning.has(recorder.issuer) ? recorder.issuer : defaultIssuer
  const issuer = headers.get('mediaward-owner-issuer') ?? own
  const consultation = headers.get('mediaward-consultation') ?? undefined
  if (!ID.test(named)) {
    return invalidUpload('Mediaward-Owner must name the patient: 1 to 255 visible ASCII characters')
  }
  if (issuer === undefined || !issuers.owning.has(issuer)) {
    // Else the recording would be bound for good to an owner who can never ask for it.
    return invalidUpload(
      'Mediaward-Owner-Issuer must be one of the issuers that the gate trusts for patients',
    )
  }
  if (consultation !== undefined && !ID.test(consultation)) {
    return invalidUpload('Mediaward-Consultation must be 1 to 255 visible ASCII characters')
  }
  return {
    owner: issuers.ownerId(issuer, named),
    issuer,
    ...present({ tenant: recorder.tenant, consultation }),
  }
}

/**
 * Returns the media type that a part is stored with: as it was sent, if that can be delivered, else by its name. `text/plain` is
 * what `fetch` says of every string, so the name counts first.
 */
export function contentTypeFromHeaders(headers: Headers, ref: ObjectRef): string {
  const sent = safeMediaType(headers.get('content-type') ?? undefined)
  if (sent !== UNKNOWN_TYPE && sent !== 'text/plain') return sent
  const named = mediaTypeOf(ref.part ?? ref.key)
  return named === UNKNOWN_TYPE ? sent : named
}
