import { Refusal } from '../refusal.ts'
import type { Permit, Question } from './decision.ts'
import { ownerRule } from './rules/owner.ts'
import { roleRule } from './rules/role.ts'
import { tenantVeto, withinTenant } from './rules/tenant.ts'

/**
 * Decides. Pure: the same question always gets the same answer. Refuses unless a rule permits, and a veto wins over
 * every rule. `test/vectors/authorize.json` is the decision table.
 */
export function authorize(question: Question): Permit | Refusal {
  const { subject, action, recording } = question
  // An id or issuer that is missing must never equal another one that is missing.
  if (!subject.id || !subject.issuer) return new Refusal('token_claim_missing')
  if (action !== 'play') {
    const permit = roleRule(subject, action)
    return permit instanceof Refusal || action !== 'audit' ? permit : withinTenant(subject, permit)
  }
  if (recording === null) return new Refusal('recording_unknown')
  return tenantVeto(subject, recording) ?? ownerRule(subject, recording)
}
