import { isRefused, refused } from '../refusal.ts'
import {
  type TokenRefused,
  type TrustedIssuer,
  tolerance,
  type VerifiedToken,
  verifyAccessToken,
} from './access-token.ts'
import { credential } from './credential.ts'
import type { Issuer } from './issuer.ts'
import { inlineKeys, type KeySource, type WaitUntil } from './key-source.ts'
import { Remembered } from './remembered.ts'
import { remoteKeys } from './remote-keys.ts'
import type { Subject } from './subject.ts'

/** Finds out who sent a request. `now` is in milliseconds since 1970. */
export type Authenticate = (
  request: Request,
  now: number,
  waitUntil: WaitUntil,
) => Promise<Subject | TokenRefused>

/** Most tokens remembered in one isolate: some two megabytes. */
const MAX_REMEMBERED = 1000
/** Longest that a token is believed without verifying it anew, in milliseconds: a key that was withdrawn bites then. */
const BELIEVED_FOR = 10 * 60_000

interface Belief extends VerifiedToken {
  readonly until: number
}

/**
 * Makes the one that finds out who asks. A token that was verified is remembered by its exact text, so that a warm
 * request verifies no signature; its times are looked at on every request.
 */
export function authenticator(
  issuers: readonly Issuer[],
  keysOf: (issuer: Issuer) => KeySource = defaultKeys,
): Authenticate {
  const trusted = new Map<string, TrustedIssuer>(
    issuers.map(issuer => [issuer.issuer, { ...issuer, keys: keysOf(issuer) }]),
  )
  const beliefs = new Remembered<Belief>(MAX_REMEMBERED)
  return async (request, now, waitUntil) => {
    const token = credential(request)
    if (typeof token !== 'string') return token
    const belief = beliefs.get(token)
    if (belief !== undefined && belief.until > now) {
      const issuer = trusted.get(belief.subject.issuer)
      return issuer === undefined ? refused('token_issuer') : inTime(belief, issuer, now)
    }
    const verified = await verifyAccessToken(token, trusted, now, waitUntil)
    if (isRefused(verified)) {
      beliefs.delete(token)
      return verified
    }
    beliefs.set(token, { ...verified, until: now + BELIEVED_FOR })
    return verified.subject
  }
}

function inTime(token: VerifiedToken, issuer: Issuer, now: number): Subject | TokenRefused {
  const { subject, issuedAt, notBefore, expires } = token
  const seconds = Math.floor(now / 1000)
  const slack = tolerance(issuer)
  if (expires <= seconds - slack) return { ...refused('token_expired'), subject }
  if (notBefore !== undefined && notBefore > seconds + slack)
    return { ...refused('token_not_yet_valid'), subject }
  if (issuer.max_age_s !== undefined && (issuedAt ?? 0) + issuer.max_age_s < seconds - slack) {
    return { ...refused('token_too_old'), subject }
  }
  return subject
}

function defaultKeys(issuer: Issuer): KeySource {
  if (issuer.jwks !== undefined) return inlineKeys(issuer.jwks)
  if (issuer.jwks_uri !== undefined) return remoteKeys(issuer.jwks_uri)
  throw new Error(`issuer ${JSON.stringify(issuer.issuer)} has neither jwks nor jwks_uri`)
}
