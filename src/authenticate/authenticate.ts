import { isRefused } from '../refusal.ts'
import { type TrustedIssuer, verifyAccessToken } from './access-token.ts'
import { type AcceptedToken, checkTimes, type TokenRefused } from './claims.ts'
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

interface Belief {
  readonly token: AcceptedToken
  readonly issuer: TrustedIssuer
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
    const text = credential(request)
    if (typeof text !== 'string') return text
    const belief = beliefs.get(text)
    if (belief !== undefined && belief.until > now) {
      return checkTimes(belief.token, belief.issuer, now) ?? belief.token.subject
    }
    const token = await verifyAccessToken(text, trusted, now, waitUntil)
    if (isRefused(token)) return token
    const issuer = trusted.get(token.subject.issuer)
    if (issuer !== undefined) beliefs.set(text, { token, issuer, until: now + BELIEVED_FOR })
    return token.subject
  }
}

function defaultKeys(issuer: Issuer): KeySource {
  if (issuer.jwks !== undefined) return inlineKeys(issuer.jwks)
  if (issuer.jwks_uri !== undefined) return remoteKeys(issuer.jwks_uri)
  throw new Error(`issuer ${JSON.stringify(issuer.issuer)} has neither jwks nor jwks_uri`)
}
