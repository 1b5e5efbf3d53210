import type { Binding } from '../../recordings/recording.ts'
import { Refusal } from '../../refusal.ts'
import type { Permit, Principal } from '../decision.ts'

/**
 * The patient whose consultation it is may play it. Ids are compared as they stand, without case folding, trimming
 * or Unicode normalization: two ids that merely look alike are two people. An id counts only within its issuer, or
 * anyone who can register "patient-1" with some second trusted issuer would be everybody's patient-1.
 */
export function ownerRule(subject: Principal, recording: Binding): Permit | Refusal {
  if (!recording.owner || !recording.issuer) return new Refusal('recording_unbound')
  return recording.owner === subject.id && recording.issuer === subject.issuer
    ? { permit: 'owner' }
    : new Refusal('not_owner')
}
