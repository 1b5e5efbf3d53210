import { claimName, type Entry } from '../authenticate/entry.ts'
import { type Reason, type Stage, stageOf } from '../reason.ts'
import type { TokenFacts } from '../request-context.ts'

/** The steps of a request to play, in the order in which the gate takes them. */
export const STEPS = [
  'path',
  'place',
  'form',
  'issuer',
  'algorithm',
  'header',
  'key',
  'signature',
  'subject',
  'tenant',
  'bearer',
  'audience',
  'client',
  'required claims',
  'times',
  'role',
  'recording',
  'owner',
] as const

/** One of {@link STEPS}. */
export type StepName = (typeof STEPS)[number]

const OF_REASON: Readonly<Partial<Record<Reason, StepName>>> = {
  token_malformed: 'form',
  token_too_long: 'form',
  token_issuer: 'issuer',
  token_algorithm: 'algorithm',
  token_type: 'header',
  token_key_unknown: 'key',
  keys_unavailable: 'key',
  token_signature: 'signature',
  token_inactive: 'signature',
  introspection_unavailable: 'signature',
  token_subject: 'subject',
  token_actor: 'bearer',
  token_bound: 'bearer',
  token_unbound: 'bearer',
  token_key_mismatch: 'bearer',
  proofs_full: 'bearer',
  token_audience: 'audience',
  token_client: 'client',
  token_claim_value: 'required claims',
  token_claim_missing: 'required claims',
  token_expired: 'times',
  token_not_yet_valid: 'times',
  token_too_old: 'times',
  token_place: 'place',
  recording_unknown: 'recording',
  role_missing: 'role',
  owner_unavailable: 'owner',
}

/** The step of a reason that {@link OF_REASON} doesn't have. */
const OF_STAGE: Readonly<Partial<Record<Stage, StepName>>> = {
  locate: 'path',
  credential: 'place',
  ticket: 'place',
  token: 'bearer',
  proof: 'bearer',
  policy: 'owner',
}

/** What proves that the subject is logged in: it may be beside a nested claim. */
const PROOF = /(?:^|\.)(?:fhirUser|email_verified|phone_number_verified)$/

const OF_CLAIM: Readonly<Record<string, StepName>> = {
  tid: 'tenant',
  events: 'bearer',
  'act.sub': 'bearer',
  aud: 'audience',
  client_id: 'client',
  exp: 'times',
  nbf: 'times',
  iat: 'times',
}

/** Returns the step at which the gate refuses. */
export function stepOf(reason: Reason, facts: TokenFacts, entry: Entry | undefined): StepName {
  const { claim, entry: named, issuer } = facts
  // Which of several entries a token is for is decided by its audience and client, before any key.
  if (reason === 'token_audience' && claim === undefined && issuer === undefined) return 'issuer'
  if (reason === 'token_malformed' && named !== undefined) return 'header'
  const step = OF_REASON[reason] ?? OF_STAGE[stageOf(reason)] ?? 'recording'
  if (claim === undefined || !['required claims', 'header'].includes(step)) return step
  return ofClaim(claim, entry) ?? step
}

function ofClaim(
  claim: string,
  { subject_claim = 'sub', tenant_claim, required_claims = {} }: Partial<Entry> = {},
) {
  if (claim === claimName(subject_claim) || PROOF.test(claim)) return 'subject'
  if (tenant_claim !== undefined && claim === claimName(tenant_claim)) return 'tenant'
  return Object.hasOwn(required_claims, claim) ? undefined : OF_CLAIM[claim]
}
