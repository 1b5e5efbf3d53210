import type { Subject } from '../authorize/subject.ts'
import type { Reason } from '../reason.ts'
import { Refusal } from '../refusal.ts'
import { type Claims, isPresent } from './identity.ts'
import type { Issuer, ResolvedIssuer } from './issuer.ts'
import { subjectOf } from './subject-claims.ts'

/** What an accepted token says, and from when until when. Times in seconds since 1970. */
export interface AcceptedToken {
  readonly subject: Subject
  readonly expires: number
  readonly notBefore: number
  /** When it becomes too old, whatever it says of its end. */
  readonly tooOld: number
}

/** Refuses a token whose signature is good, so that the record can say whose token it was. */
export class TokenRefusal extends Refusal {
  readonly subject: Subject

  constructor(reason: Reason, subject: Subject) {
    super(reason)
    this.subject = subject
  }
}

/** 31 December 9999: a NumericDate beyond any calendar is no date. `1e400` parses to Infinity. */
const LAST_DATE = 253_402_300_799

/**
 * Checks the claims of a token whose signature was verified (RFC 7519 4.1) and whose `iss` is the issuer's.
 *
 * @param fingerprint what a token without `jti` is known by in the log
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
  if (bearer !== undefined) return refuse(bearer)
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
    // A token from the future was made by a clock, or a person, not to be trusted.
    notBefore: Math.max(nbf ?? 0, iat ?? 0),
    tooOld: (iat ?? 0) + (issuer.max_age_s ?? Number.POSITIVE_INFINITY),
  }
  return checkTimes(token, issuer, now) ?? token
}

/** Why the bearer of this token isn't its subject, or can't be known to be. */
function refuseBearer({ events, cnf, act }: Claims, subject: Subject, issuer: Issuer): Reason | undefined {
  // A logout or security event token that lost its `typ` (RFC 8417 2.2, OpenID Connect Back-Channel Logout 2.4): it is
  // about its subject, and any app that hears of the event has it.
  if (isPresent(events)) return 'token_type'
  // RFC 9449 7.2: a token that is bound to a key is stolen where it comes without a proof of that key.
  if (isPresent(cnf) && issuer.allow_unbound !== true) return 'token_bound'
  if (isPresent(act) && issuer.allow_actor !== true) return 'token_actor'
  // An actor who can't be named can't be on record.
  return isPresent(act) && subject.actor === undefined ? 'token_claim_missing' : undefined
}

/** Whether an accepted token is good at this moment: asked on every request, also of a token that is remembered. */
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
