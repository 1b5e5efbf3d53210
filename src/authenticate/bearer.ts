import type { Subject } from '../authorize/subject.ts'
import { LruCache } from '../base/lru-cache.ts'
import type { WaitUntil } from '../base/wait-until.ts'
import { credential } from '../http/credential.ts'
import { Refusal } from '../refusal.ts'
import { type TrustedIssuer, type VerifiedToken, verifyAccessToken } from './access-token.ts'
import { checkTimes } from './claims.ts'
import { type Issuer, resolveIssuers } from './issuer.ts'
import { createInlineKeys, type KeySource, KeysUnavailable } from './key-source.ts'
import { createRemoteKeys } from './remote-keys.ts'

/** Finds out who sent a request. `now` is in milliseconds since 1970. */
export type Authenticate = (request: Request, now: number, waitUntil: WaitUntil) => Promise<Subject | Refusal>

/** Most tokens remembered in one isolate: some ten megabytes where all are as long as they may be. */
const MAX_REMEMBERED = 1000

/**
 * Makes the one that finds out who asks. A token that was verified is remembered by its exact text, so that a warm
 * request verifies no signature; its times are looked at on every request, and it is verified anew when its issuer
 * publishes other keys, so that a withdrawn key opens no longer than its set is kept.
 */
export function createAuthenticator(
  issuers: readonly Issuer[],
  keysOf: (issuer: Issuer) => KeySource = defaultKeys,
): Authenticate {
  const trusted = new Map<string, TrustedIssuer>(
    resolveIssuers(issuers).map(issuer => [issuer.issuer, { ...issuer, keys: keysOf(issuer) }]),
  )
  const verified = new LruCache<VerifiedToken>(MAX_REMEMBERED)
  return async (request, now, waitUntil) => {
    const text = credential(request)
    if (typeof text !== 'string') return text
    try {
      const known = verified.get(text)
      if (known !== undefined && (await known.issuer.keys.current(now, waitUntil)) === known.keys) {
        return checkTimes(known, known.issuer, now) ?? known.subject
      }
      const token = await verifyAccessToken(text, trusted, now, waitUntil)
      if (token instanceof Refusal) return token
      // With the set that verified it. The one in force by now may be another: its keys never saw this token.
      verified.set(text, token)
      return token.subject
    } catch (error) {
      if (error instanceof KeysUnavailable) return new Refusal('keys_unavailable')
      throw error
    }
  }
}

function defaultKeys(issuer: Issuer): KeySource {
  if (issuer.jwks !== undefined) return createInlineKeys(issuer.jwks)
  if (issuer.jwks_uri !== undefined) return createRemoteKeys(issuer.jwks_uri)
  throw new Error(`issuer ${JSON.stringify(issuer.issuer)} has neither jwks nor jwks_uri`)
}
