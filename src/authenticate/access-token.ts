import { base64url, compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose'
import type { WaitUntil } from '../base/wait-until.ts'
import type { Reason } from '../reason.ts'
import { Refusal } from '../refusal.ts'
import { type AcceptedToken, acceptClaims } from './claims.ts'
import type { Algorithm, ResolvedIssuer } from './issuer.ts'
import type { KeySource } from './key-source.ts'
import { parseToken, type Unverified } from './token-text.ts'

/** An issuer together with the source of its keys. */
export interface TrustedIssuer extends ResolvedIssuer {
  readonly keys: KeySource
}

/** A token that was verified, by whose rules, and with which keys. */
export interface VerifiedToken extends AcceptedToken {
  readonly issuer: TrustedIssuer
  /** The very set that holds the key which verified it: newer ones may be in force by now, and withdraw that key. */
  readonly keys: JSONWebKeySet
}

/** Token kinds that are access tokens (RFC 8725 3.11, RFC 9068 2.1); a logout or DPoP token is none. */
const TYPES = new Set(['jwt', 'at+jwt'])

/**
 * Verifies one token, from its text alone: form, kind, algorithm, key, signature, then claims. Everything that is
 * compared comes from our configuration; what a token says of its own keys (`jwk`, `jku`, `x5u`, `x5c`) is not read.
 *
 * @param now milliseconds since 1970
 * @throws KeysUnavailable where the issuer's keys can't be had
 */
export async function verifyAccessToken(
  token: string,
  issuers: ReadonlyMap<string, TrustedIssuer>,
  now: number,
  waitUntil: WaitUntil,
): Promise<VerifiedToken | Refusal> {
  const unverified = parseToken(token)
  if (unverified === undefined) return new Refusal('token_malformed')
  const chosen = choose(unverified, issuers)
  if (chosen instanceof Refusal) return chosen
  const { issuer, kid } = chosen
  const keys = await verifyingKeys(token, issuer, kid, now, waitUntil)
  if (keys instanceof Refusal) return keys
  const accepted = acceptClaims(unverified.payload, issuer, await fingerprint(token), now)
  return accepted instanceof Refusal ? accepted : { ...accepted, issuer, keys }
}

/** Everything that can be said before a key is needed, so that a hopeless token never makes us fetch one. */
function choose(
  { header, payload }: Unverified,
  issuers: ReadonlyMap<string, TrustedIssuer>,
): { issuer: TrustedIssuer; kid: string | undefined } | Refusal {
  const issuer = typeof payload.iss === 'string' ? issuers.get(payload.iss) : undefined
  if (issuer === undefined) return new Refusal('token_issuer')
  const { alg, typ, kid, crit } = header
  if (!issuer.algorithms.some(algorithm => algorithm === alg)) return new Refusal('token_algorithm')
  if (typ !== undefined) {
    if (typeof typ !== 'string') return new Refusal('token_type')
    if (!TYPES.has(typ.toLowerCase().replace(/^application\//, ''))) return new Refusal('token_type')
  }
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256))
    return new Refusal('token_malformed')
  // RFC 7515 4.1.11: extensions that must be understood. We understand none.
  if (crit !== undefined) return new Refusal('token_malformed')
  return { issuer, kid }
}

/** Looks for the key among those at hand, and once more among newer ones. Returns the set that verified the token. */
async function verifyingKeys(
  token: string,
  issuer: TrustedIssuer,
  kid: string | undefined,
  now: number,
  waitUntil: WaitUntil,
): Promise<JSONWebKeySet | Refusal> {
  let keys = await issuer.keys.current(now, waitUntil)
  let reason = await verifySignature(token, keys, issuer.algorithms)
  if (reason === 'token_key_unknown' && kid !== undefined) {
    const newer = await issuer.keys.seeking(kid, now, waitUntil)
    if (newer !== keys) reason = await verifySignature(token, newer, issuer.algorithms)
    keys = newer
  }
  return reason === undefined ? keys : new Refusal(reason)
}

// jose imports a key at its first use and remembers it with the function that it makes for a set.
const sets = new WeakMap<JSONWebKeySet, ReturnType<typeof createLocalJWKSet>>()

/** Verifies a signature with a set of keys (RFC 7515 5.2), and with no other key: undefined where it is good. */
export async function verifySignature(
  token: string,
  keys: JSONWebKeySet,
  algorithms: readonly Algorithm[],
): Promise<Reason | undefined> {
  try {
    let set = sets.get(keys)
    if (set === undefined) {
      set = createLocalJWKSet(keys)
      sets.set(keys, set)
    }
    await compactVerify(token, set, { algorithms: [...algorithms] })
    return undefined
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyWithEach(token, error, algorithms)
    return reasonFor(error)
  }
}

/** Most keys that are tried for a token that doesn't say which is meant. */
const MAX_TRIED = 4

/** Without a `kid`, or with two keys of one `kid`, several may fit, and one of them will do. */
async function verifyWithEach(
  token: string,
  fitting: errors.JWKSMultipleMatchingKeys,
  algorithms: readonly Algorithm[],
): Promise<Reason | undefined> {
  let reason: Reason = 'token_signature'
  let tried = 0
  for await (const key of fitting) {
    if (tried++ === MAX_TRIED) break
    try {
      await compactVerify(token, key, { algorithms: [...algorithms] })
      return undefined
    } catch (error) {
      reason = reasonFor(error)
    }
  }
  return reason
}

function reasonFor(error: unknown): Reason {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'token_signature'
  if (error instanceof errors.JWKSNoMatchingKey) return 'token_key_unknown'
  if (error instanceof errors.JOSEAlgNotAllowed) return 'token_algorithm'
  if (error instanceof errors.JWSInvalid) return 'token_malformed'
  // The key that the token names can't be used: a fault of whoever published it, not of the token.
  return 'keys_unavailable'
}

/** A hash of what is signed. The signature is left out: the same token can be written with another one. */
async function fingerprint(token: string): Promise<string> {
  const signed = new TextEncoder().encode(token.slice(0, token.lastIndexOf('.')))
  return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', signed)))
}
