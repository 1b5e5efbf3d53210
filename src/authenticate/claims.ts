import type { Subject } from '../authorize/subject.ts'
import { present } from '../base/present.ts'
import type { Reason } from '../reason.ts'
import { clientOf, refuseAudience } from './audience.ts'
import { type Claims, hasValue, isPresent } from './claim-value.ts'
import type { Entry } from './entry.ts'
import type { Issuer } from './issuer.ts'
import { refuseConfirmation, thumbprintIn } from './proof/confirmation.ts'
import { actorOf, subjectOf } from './subject-claims.ts'
import { claimMissing, TokenRefusal } from './token-refusal.ts'

/** When a token is valid. Times in seconds since 1970. */
interface Validity {
  readonly expires: number
  readonly notBefore: number
  /** When the token becomes too old, even if it expires later. */
  readonly tooOld: number
}

/** What an accepted token says, and when it is valid. */
export interface AcceptedToken extends Validity {
  readonly subject: Subject
  /** The thumbprint of the DPoP key that its sender must prove to have. Undefined if anyone may send it. */
  readonly thumbprint?: string
}

/** 31 December 9999. A later NumericDate is not a date: `1e400` parses to Infinity. */
const LAST_DATE = 253_402_300_799

/**
 * Checks the claims (RFC 7519 4.1) of a token whose signature was verified and whose `iss` is the entry's.
 *
 * @param fingerprint identifies a token without `jti` in the log
 * @param now milliseconds since 1970
 */
export function acceptClaims(
  claims: Claims,
  entry: Entry,
  fingerprint: string,
  now: number,
): AcceptedToken | TokenRefusal {
  const proven = present({ issuer: entry.issuer, entry: entry.name, client: clientOf(claims) })
  const subject = subjectOf(claims, entry, fingerprint)
  if (subject instanceof TokenRefusal) return subject.with(proven)
  const [refusal] = refuseEach(claims, entry)
  if (refusal !== undefined) return refusal.with({ ...proven, subject })
  const validity = readTimes(claims, entry)
  if (validity instanceof TokenRefusal) return validity.with({ ...proven, subject })
  const token = { subject, ...validity, ...present({ thumbprint: thumbprintIn(claims.cnf) }) }
  return checkTimes(token, entry, now) ?? token
}

/**
 * Lists all that is wrong with claims, in the order in which the gate would refuse them. The first of these is what
 * {@link acceptClaims} refuses; the others are the mistakes that come to light once that is fixed.
 *
 * @param now milliseconds since 1970
 */
export function flawsOfClaims(claims: Claims, entry: Entry, now: number): readonly TokenRefusal[] {
  const validity = readTimes(claims, entry)
  return [
    subjectOf(claims, entry, ''),
    ...refuseEach(claims, entry),
    validity instanceof TokenRefusal ? validity : checkTimes(validity, entry, now),
  ].filter(outcome => outcome instanceof TokenRefusal)
}

/** Makes each check that no other one depends on. The first refusal counts. */
function refuseEach(claims: Claims, entry: Entry): readonly TokenRefusal[] {
  return [refuseTenant, refuseBearer, refuseAudience, refuseValues].flatMap(
    refuse => refuse(claims, entry) ?? [],
  )
}

/** Refuses a token of a template that belongs to another tenant than its `iss` says. */
function refuseTenant({ tid }: Claims, { tenant }: Entry): TokenRefusal | undefined {
  if (tenant === undefined || tid === tenant) return undefined
  return isPresent(tid) ? new TokenRefusal('token_claim_value', { claim: 'tid' }) : claimMissing('tid')
}

/** Refuses a token if its bearer isn't its subject, or can't be known to be. */
function refuseBearer({ events, cnf, act }: Claims, entry: Issuer): TokenRefusal | undefined {
  // A logout or security event token that lost its `typ` (RFC 8417 2.2, OpenID Connect Back-Channel Logout 2.4). It is
  // about its subject, and every app that receives the event has it.
  if (isPresent(events)) return new TokenRefusal('token_type', { claim: 'events' })
  const refusal = refuseConfirmation(cnf, entry)
  if (refusal !== undefined) return refusal
  if (!isPresent(act)) return undefined
  if (entry.allow_actor !== true) return new TokenRefusal('token_actor', { claim: 'act' })
  // The record could not name an actor without an id.
  return actorOf(act, entry.issuer) === undefined ? claimMissing('act.sub') : undefined
}

/** Refuses a token without the values that the configuration requires. */
function refuseValues(claims: Claims, { required_claims = {} }: Issuer): TokenRefusal | undefined {
  for (const [claim, required] of Object.entries(required_claims)) {
    const held = Object.hasOwn(claims, claim) ? claims[claim] : undefined
    if (!isPresent(held)) return claimMissing(claim)
    const values = typeof required === 'object' ? required : [required]
    if (!hasValue(held, values)) return new TokenRefusal('token_claim_value', { claim })
  }
  return undefined
}

function readTimes({ exp, nbf, iat }: Claims, { max_age_s }: Issuer): Validity | TokenRefusal {
  if (!isDate(exp)) return claimMissing('exp')
  if (nbf !== undefined && !isDate(nbf)) return claimMissing('nbf')
  if (iat !== undefined && !isDate(iat)) return claimMissing('iat')
  if (max_age_s !== undefined && iat === undefined) return claimMissing('iat')
  return {
    expires: exp,
    // A token that was issued in the future comes from a clock, or a person, that can't be trusted.
    notBefore: Math.max(nbf ?? 0, iat ?? 0),
    tooOld: (iat ?? 0) + (max_age_s ?? Number.POSITIVE_INFINITY),
  }
}

/** Refuses a token that isn't valid at this moment. Called for every request, even if the token was verified before. */
export function checkTimes(
  token: Validity & { readonly subject?: Subject },
  issuer: Issuer,
  now: number,
): TokenRefusal | undefined {
  const { subject } = token
  const seconds = now / 1000
  const tolerance = issuer.clock_tolerance_s ?? 30
  const refuse = (reason: Reason, claim: string) => new TokenRefusal(reason, present({ claim, subject }))
  if (seconds >= token.expires + tolerance) return refuse('token_expired', 'exp')
  if (seconds < token.notBefore - tolerance) return refuse('token_not_yet_valid', 'nbf')
  if (seconds > token.tooOld + tolerance) return refuse('token_too_old', 'iat')
  return undefined
}

const isDate = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= LAST_DATE
