import { isRefused, type Refused, refused } from '../refusal.ts'
import type { Claims } from './identity.ts'
import type { Issuer } from './issuer.ts'
import { type Subject, subjectOf } from './subject.ts'

/** What an accepted token says, and from when until when. Times in seconds since 1970. */
export interface AcceptedToken {
  readonly subject: Subject
  readonly expires: number
  readonly notBefore: number
  /** When it becomes too old, whatever it says of its end. */
  readonly tooOld: number
}

/** A refusal; its subject is there where the signature was good, so that the record can say whose token it was. */
export interface TokenRefused extends Refused {
  readonly subject?: Subject
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
  issuer: Issuer,
  fingerprint: string,
  now: number,
): AcceptedToken | TokenRefused {
  const subject = subjectOf(claims, issuer, fingerprint)
  if (isRefused(subject)) return subject
  const { aud, exp, nbf, iat } = claims
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  const ours = typeof issuer.audience === 'string' ? [issuer.audience] : issuer.audience
  if (aud === undefined || !isDate(exp)) return { ...refused('token_claim_missing'), subject }
  if (!ours.some(audience => audiences.includes(audience))) return { ...refused('token_audience'), subject }
  if ((nbf !== undefined && !isDate(nbf)) || (iat !== undefined && !isDate(iat))) {
    return { ...refused('token_claim_missing'), subject }
  }
  if (issuer.max_age_s !== undefined && iat === undefined)
    return { ...refused('token_claim_missing'), subject }
  const token = {
    subject,
    expires: exp,
    // A token from the future was made by a clock, or a person, not to be trusted.
    notBefore: Math.max(nbf ?? 0, iat ?? 0),
    tooOld: (iat ?? 0) + (issuer.max_age_s ?? Number.POSITIVE_INFINITY),
  }
  return checkTimes(token, issuer, now) ?? token
}

/** Whether an accepted token is good at this moment: asked on every request, also of a token that is remembered. */
export function checkTimes(token: AcceptedToken, issuer: Issuer, now: number): TokenRefused | undefined {
  const { subject } = token
  const seconds = now / 1000
  const tolerance = issuer.clock_tolerance_s ?? 30
  if (seconds >= token.expires + tolerance) return { ...refused('token_expired'), subject }
  if (seconds < token.notBefore - tolerance) return { ...refused('token_not_yet_valid'), subject }
  if (seconds > token.tooOld + tolerance) return { ...refused('token_too_old'), subject }
  return undefined
}

const isDate = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= LAST_DATE
