import type { Subject } from '../authorize/subject.ts'
import type { Reason } from '../reason.ts'
import { Refusal } from '../refusal.ts'
import { type Claims, isPresent } from './identity.ts'
import type { Issuer, ResolvedIssuer } from './issuer.ts'
import { subjectOf } from './subject-claims.ts'

/** What an accepted token says, and when it is valid. Times in seconds since 1970. */
export interface AcceptedToken {
  readonly subject: Subject
  readonly expires: number
  readonly notBefore: number
  /** When the token becomes too old, even if it expires later. */
  readonly tooOld: number
}

/** Refuses a token whose signature is good, so that the record can name its subject. */
export class TokenRefusal extends Refusal {
  readonly subject: Subject

  constructor(reason: Reason, subject: Subject) {
    super(reason)
    this.subject = subject
  }
}

/** 31 December 9999. A later NumericDate is not a date: `1e400` parses to Infinity. */
const LAST_DATE = 253_402_300_799

/**
 * Checks the claims (RFC 7519 4.1) of a token whose signature was verified and whose `iss` is the issuer's.
 *
 * @param fingerprint identifies a token without `jti` in the log
 * @param now milliseconds since 1970
 */
export function acceptClaims(
  claims: Claims,
  issuer: ResolvedIssuer,
  fingerprint: string,
  now: number,
): AcceptedToken | Refusal {
  const subject = subjectOf(claims, issuer, fingerprint)
  if (subject instanceof Refusal) return subject
  const refuse = (reason: Reason) => new TokenRefusal(reason, subject)
  const bearer = refuseBearer(claims, subject, issuer)
  if (bearer !== undefined) return bearer
  const { aud, exp, nbf, iat } = claims
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  const ours = typeof issuer.audience === 'string' ? [issuer.audience] : issuer.audience
  if (aud === undefined || !isDate(exp)) return refuse('token_claim_missing')
  if (!ours.some(audience => audiences.includes(audience))) return refuse('token_audience')
  if ((nbf !== undefined && !isDate(nbf)) || (iat !== undefined && !isDate(iat))) {
    return refuse('token_claim_missing')
  }
  if (issuer.max_age_s !== undefined && iat === undefined) return refuse('token_claim_missing')
  const token = {
    subject,
    expires: exp,
    // A token that was issued in the future comes from a clock, or a person, that can't be trusted.
    notBefore: Math.max(nbf ?? 0, iat ?? 0),
    tooOld: (iat ?? 0) + (issuer.max_age_s ?? Number.POSITIVE_INFINITY),
  }
  return checkTimes(token, issuer, now) ?? token
}

/** Refuses a token if its bearer isn't its subject, or can't be known to be. */
function refuseBearer(
  { events, cnf, act }: Claims,
  subject: Subject,
  issuer: Issuer,
): TokenRefusal | undefined {
  // A logout or security event token that lost its `typ` (RFC 8417 2.2, OpenID Connect Back-Channel Logout 2.4). It is
  // about its subject, and every app that receives the event has it.
  if (isPresent(events)) return new TokenRefusal('token_type', subject)
  // RFC 9449 7.2: a token that is bound to a key and comes without a proof of that key is a stolen one.
  if (isPresent(cnf) && issuer.allow_unbound !== true) return new TokenRefusal('token_bound', subject)
  if (!isPresent(act)) return undefined
  if (issuer.allow_actor !== true) return new TokenRefusal('token_actor', subject)
  // The record could not name an actor without an id.
  return subject.actor === undefined ? new TokenRefusal('token_claim_missing', subject) : undefined
}

/** Refuses a token that isn't valid at this moment. Called for every request, even if the token was verified before. */
export function checkTimes(token: AcceptedToken, issuer: Issuer, now: number): TokenRefusal | undefined {
  const { subject } = token
  const seconds = now / 1000
  const tolerance = issuer.clock_tolerance_s ?? 30
  if (seconds >= token.expires + tolerance) return new TokenRefusal('token_expired', subject)
  if (seconds < token.notBefore - tolerance) return new TokenRefusal('token_not_yet_valid', subject)
  if (seconds > token.tooOld + tolerance) return new TokenRefusal('token_too_old', subject)
  return undefined
}

const isDate = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= LAST_DATE
