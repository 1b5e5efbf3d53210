import type { Ownership } from '../recordings/recording.ts'
import { Refusal } from '../refusal.ts'
import type { DecisionInput, Permit } from './decision.ts'
import { ownerRule } from './rules/owner.ts'
import { roleRule } from './rules/role.ts'
import { tenantVeto, withinTenant } from './rules/tenant.ts'
import type { Principal } from './subject.ts'

/**
 * Decides. Pure: the same input always gives the same decision. Refuses unless a rule permits, and a veto wins over
 * every rule. `test/vectors/authorize.json` is the decision table.
 */
export function authorize(input: DecisionInput): Permit | Refusal {
  const { subject } = input
  // A missing id or issuer must never equal another missing one.
  if (!subject.id || !subject.issuer) return new Refusal('token_claim_missing')
  if (input.action !== 'play') {
    const permit = roleRule(subject, input.action)
    const isOfRecordings = input.action === 'store' || input.action === 'list'
    return permit instanceof Refusal || isOfRecordings ? permit : withinTenant(subject, permit)
  }
  if (input.recording === null) return new Refusal('recording_unknown')
  return tenantVeto(subject, input.recording) ?? ownerRule(subject, input.recording)
}

/** A decision about a recording with all its parts. */
export interface WholeDecision {
  readonly decision: Permit | Refusal
  /** The ownership that was decided on; null if the recording does not exist. */
  readonly ownership: Ownership | null
}

/**
 * Decides whether a subject may play a recording with all its parts, for a ticket or a line of a list. Permits only if
 * the subject owns the objects at every location; the first refusal decides.
 *
 * @param owners the owner of each of the recording's objects
 */
export function authorizeWhole(subject: Principal, owners: readonly Ownership[]): WholeDecision {
  let whole: WholeDecision = {
    decision: authorize({ subject, action: 'play', recording: null }),
    ownership: null,
  }
  for (const ownership of owners) {
    whole = { decision: authorize({ subject, action: 'play', recording: ownership }), ownership }
    if (whole.decision instanceof Refusal) return whole
  }
  return whole
}
