import type { Ownership } from '../../recordings/recording.ts'
import { Refusal } from '../../refusal.ts'
import type { Permit } from '../decision.ts'
import type { Principal } from '../subject.ts'

/**
 * Permits a recording's owner, the patient, to play it.
 *
 * Ids are compared to the letter, without case folding, trimming or Unicode normalization: two ids that merely look
 * alike belong to two people. An id counts only together with its issuer. Otherwise a person who registers the name
 * "patient-1" with a second trusted issuer could watch the recordings of every other patient-1.
 *
 * The id of a subject that owns nothing, such as a member of staff in the patients' issuer, may be the same as a
 * patient's, and is another person's.
 *
 * A recording without an owner belongs to no subject: a missing value never equals another missing value.
 */
export function ownerRule(subject: Principal, recording: Ownership): Permit | Refusal {
  if (!recording.owner || !recording.issuer) return new Refusal('recording_unbound')
  return subject.owns !== false && recording.owner === subject.id && recording.issuer === subject.issuer
    ? { permit: 'owner' }
    : new Refusal('not_owner')
}
