import type { Reason } from '../reason.ts'
import { CLAIM_ADVICE } from './claim-advice.ts'
import { CREDENTIAL_ADVICE } from './credential-advice.ts'
import type { Advice, Advise, RefusedToken } from './refused-token.ts'
import { adviseOnRoles } from './role-advice.ts'
import { SENDER_ADVICE } from './sender-advice.ts'
import { quoted } from './shown.ts'

const ADVICE: Readonly<Partial<Record<Reason, Advise>>> = {
  ...CREDENTIAL_ADVICE,
  ...CLAIM_ADVICE,
  ...SENDER_ADVICE,
  role_missing: adviseOnRoles,
}

/** Returns whether a refusal may be due to a mistake in the configuration of tokens. */
export const isAdvised = (reason: Reason): boolean => Object.hasOwn(ADVICE, reason)

/**
 * Says what came, what is configured, and how to fix it. Returns undefined for a refusal that is part of normal use, such
 * as that of a JWT that has just expired. Only its issuer knows whether an opaque token has.
 */
export function adviceFor(refused: RefusedToken): Advice | undefined {
  const { reason, facts, entry, isParsed } = refused
  // What an issuer answered about an opaque token isn't in the token. A proof is, as ever, with the request.
  const isOfAnswer = !isParsed && facts.claim !== undefined && !Object.hasOwn(SENDER_ADVICE, reason)
  const row = isOfAnswer && entry?.introspection !== undefined ? adviseOnAnswer : ADVICE[reason]
  const advice = typeof row === 'function' ? row(refused) : row
  // Not of the entry that is nearest to a token which is for none.
  const isOfEntry = facts.subject !== undefined || facts.entry === entry?.name
  if (advice === undefined || entry === undefined || !isOfEntry) return advice
  const [found, fix] = advice
  return [`${found} (entry ${quoted(entry.name)})`, fix]
}

const adviseOnAnswer = ({ facts: { claim = '' } }: RefusedToken): Advice => [
  `the issuer's answer about an opaque token is not as its entry asks: ${quoted(claim)}`,
  'have the issuer answer what a JWT would hold',
]
