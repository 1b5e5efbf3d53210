import { claimName, type Entry } from '../authenticate/entry.ts'
import { type Reason, type Stage, stageOf } from '../reason.ts'
import type { TokenFacts } from '../request-context.ts'

/** The steps of a request to play. */
export type StepName =
  | 'path'
  | 'place'
  | 'form'
  | 'issuer'
  | 'algorithm'
  | 'header'
  | 'key'
  | 'signature'
  | 'subject'
  | 'tenant'
  | 'bearer'
  | 'audience'
  | 'client'
  | 'required claims'
  | 'times'
  | 'login'
  | 'role'
  | 'recording'
  | 'owner'
  | 'lockdown'

type Claim = 'tid' | 'events' | 'act.sub' | 'aud' | 'client_id' | 'exp' | 'nbf' | 'iat'

/**
 * What each step refuses for: reasons, all other reasons of a stage, and claims that may be missing or wrong. In the order in
 * which the gate takes them.
 */
const REFUSES: Readonly<Record<StepName, readonly (Reason | Stage | Claim)[]>> = {
  path: ['locate'],
  place: ['credential', 'ticket', 'token_place'],
  form: ['token_malformed', 'token_too_long'],
  issuer: ['token_issuer'],
  algorithm: ['token_algorithm'],
  header: ['token_type'],
  key: ['token_key_unknown', 'keys_unavailable'],
  signature: ['token_signature', 'token_inactive', 'introspection_unavailable'],
  subject: ['token_subject'],
  tenant: ['tid'],
  bearer: ['token', 'proof', 'proofs_full', 'events', 'act.sub'],
  audience: ['token_audience', 'aud'],
  client: ['token_client', 'client_id'],
  'required claims': ['token_claim_value', 'token_claim_missing'],
  times: ['token_expired', 'token_not_yet_valid', 'token_too_old', 'exp', 'nbf', 'iat'],
  login: ['token_revoked', 'control_unavailable'],
  role: ['role_missing'],
  recording: ['recording_unknown'],
  owner: ['policy', 'owner_unavailable'],
  lockdown: ['lockdown'],
}

/** The steps, in the order in which the gate takes them. */
export const STEPS: readonly StepName[] = Object.keys(REFUSES) as StepName[]

/** What proves that the subject is logged in: it may be beside a nested claim. */
const PROOF = /(?:^|\.)(?:fhirUser|email_verified|phone_number_verified)$/

/** Returns the step at which the gate refuses. */
export function stepOf(reason: Reason, facts: TokenFacts, entry: Entry | undefined): StepName {
  const { claim, entry: named, issuer } = facts
  // Which of several entries a token is for is decided by its audience and client, before any key.
  if (reason === 'token_audience' && claim === undefined && issuer === undefined) return 'issuer'
  if (reason === 'token_malformed' && named !== undefined) return 'header'
  const step = refusesFor(reason) ?? refusesFor(stageOf(reason)) ?? 'recording'
  if (claim === undefined || !['required claims', 'header'].includes(step)) return step
  return ofClaim(claim, entry) ?? step
}

function ofClaim(
  claim: string,
  { subject_claim = 'sub', tenant_claim, required_claims = {} }: Partial<Entry> = {},
) {
  if (claim === claimName(subject_claim) || PROOF.test(claim)) return 'subject'
  if (tenant_claim !== undefined && claim === claimName(tenant_claim)) return 'tenant'
  return Object.hasOwn(required_claims, claim) ? undefined : refusesFor(claim)
}

function refusesFor(what: string): StepName | undefined {
  return STEPS.find(step => REFUSES[step].some(one => one === what))
}
