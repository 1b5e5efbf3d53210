import type { Binding } from '../recording.ts'
import { type Refused, refused } from '../refusal.ts'
import { ownerRule } from './rules/owner.ts'
import { roleRule } from './rules/role.ts'
import { tenantVeto } from './rules/tenant.ts'

/** What a subject wants to do: watch a recording, store one, or read the log of refusals. */
export type Action = 'play' | 'store' | 'audit'

/** Who asks, as far as the rules may see: the facts of a verified token and nothing else of it. */
export interface Principal {
  /** The subject's id, unique only together with `issuer`. */
  readonly id: string
  /** The `iss` of the token: a trusted issuer's, compared as text. */
  readonly issuer: string
  readonly roles: readonly string[]
  readonly tenant?: string
}

/** One question to the rules (OpenID AuthZEN: subject, action, resource). */
export interface Question {
  readonly subject: Principal
  readonly action: Action
  /** The recording's binding; null where there is no such recording. Of no account for `audit`. */
  readonly recording: Binding | null
}

/** A permit names the rule that gave it. */
export interface Permit {
  readonly permit: 'owner' | 'role'
}

/**
 * Decides. Pure: the same question always gets the same answer. Refuses unless a rule permits, and a veto wins over
 * every rule. `test/vectors/authorize.json` is the decision table.
 */
export function authorize(question: Question): Permit | Refused {
  const { subject, action, recording } = question
  // An id or issuer that is missing must never equal another one that is missing.
  if (!subject.id || !subject.issuer) return refused('token_claim_missing')
  if (action !== 'play') return roleRule(subject, action)
  if (recording === null) return refused('recording_unknown')
  return tenantVeto(subject, recording) ?? ownerRule(subject, recording)
}
