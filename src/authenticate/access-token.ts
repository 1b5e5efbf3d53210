import { compactVerify, type JSONWebKeySet } from 'jose'
import * as base64url from 'jose/base64url'
import * as errors from 'jose/errors'
import { sha256 } from '../base/bytes.ts'
import type { WaitUntil } from '../base/timeout.ts'
import type { Reason } from '../reason.ts'
import { Refusal } from '../refusal.ts'
import { type AcceptedToken, acceptClaims } from './claims.ts'
import type { Algorithm } from './issuer.ts'
import { createKeyFinder, type FindKey } from './keys/find-key.ts'
import { ownKeys } from './keys/tenant-keys.ts'
import type { KeySet } from './keys/usable-keys.ts'
import { MAX_TOKEN, parseToken, type UnverifiedToken } from './parse-token.ts'
import { TokenRefusal } from './token-refusal.ts'
import type { TrustedEntry, TrustedIssuers } from './trusted-issuers.ts'

/** A verified token, with the entry whose rules it met and the keys that verified it. */
export interface VerifiedToken extends AcceptedToken {
  readonly entry: TrustedEntry
  /** The set that verified the token. By now newer keys may be in force, without the key that did. */
  readonly keys: KeySet
}

/** Types of access tokens (RFC 8725 3.11, RFC 9068 2.1). A logout token or a DPoP proof has another. */
const TYPES = new Set(['jwt', 'at+jwt'])
/** Longest key id, in characters. */
const MAX_KEY_ID = 256
/** Most keys that are tried for a token that doesn't say which key signed it. */
const MAX_TRIED = 4

/**
 * Verifies a token: its form, type, algorithm, key and signature, then its claims. Everything that they are compared
 * with comes from the configuration. What a token says about keys (`jwk`, `jku`, `x5u`, `x5c`) is not read.
 *
 * @param now milliseconds since 1970
 * @throws Fault `keys_unavailable` if the issuer's keys can't be fetched
 */
export async function verifyAccessToken(
  token: string,
  issuers: TrustedIssuers,
  now: number,
  waitUntil: WaitUntil,
): Promise<VerifiedToken | Refusal> {
  if (token.length > MAX_TOKEN) return new Refusal('token_too_long')
  const unverified = parseToken(token)
  if (unverified === undefined) return new Refusal('token_malformed')
  const entry = issuers.entryFor(unverified.payload)
  if (entry instanceof Refusal) return entry
  const keys =
    refuseHeader(unverified, entry) ??
    (await verifyingKeys(token, { entry, kid: kidOf(unverified) }, now, waitUntil))
  if (keys instanceof Refusal) return new TokenRefusal(keys.reason, { entry: entry.name })
  const accepted = acceptClaims(unverified.payload, entry, await fingerprint(token), now)
  return accepted instanceof Refusal ? accepted : { ...accepted, entry, keys }
}

/** Who a token claims to be signed by. */
interface Signer {
  readonly entry: TrustedEntry
  readonly kid: string | undefined
}

/** Checks all that can be checked without a key, so that a token that is certain to be refused causes no fetch. */
export function refuseHeader(
  { header }: Pick<UnverifiedToken, 'header'>,
  { algorithms }: Pick<TrustedEntry, 'algorithms'>,
  types: ReadonlySet<string> = TYPES,
): Refusal | undefined {
  const { alg, typ, kid, crit } = header
  if (!algorithms.some(algorithm => algorithm === alg)) return new Refusal('token_algorithm')
  if (typ !== undefined) {
    if (typeof typ !== 'string') return new Refusal('token_type')
    if (!types.has(typ.toLowerCase().replace(/^application\//, ''))) return new Refusal('token_type')
  }
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KEY_ID)) {
    return new Refusal('token_malformed')
  }
  // RFC 7515 4.1.11: extensions that the recipient must understand. The gate understands none.
  return crit === undefined ? undefined : new Refusal('token_malformed')
}

export const kidOf = ({ header: { kid } }: UnverifiedToken): string | undefined =>
  typeof kid === 'string' ? kid : undefined

/** The refusals of a token whose key may be newer than the keys in force. A known key id may name another key now. */
const MAY_BE_NEWER: ReadonlySet<Reason> = new Set([
  'token_key_unknown',
  'token_signature',
  'keys_unavailable',
])

/** Verifies the signature with the keys in force, and if they can't, with newer ones. Returns the set that did. */
export async function verifyingKeys(
  token: string,
  { entry, kid }: Signer,
  now: number,
  waitUntil: WaitUntil,
): Promise<KeySet | Refusal> {
  const keys = await entry.keys.current(now, waitUntil)
  const refusal = await verifySignature(token, ownKeys(keys, entry), entry.algorithms)
  if (refusal === undefined) return keys
  if (!MAY_BE_NEWER.has(refusal.reason)) return refusal
  const newer = await entry.keys.newer(now, waitUntil).catch((error: unknown) => {
    // A bad signature is the token's own fault, whether or not newer keys can be fetched.
    if (refusal.reason === 'token_signature') return keys
    throw error
  })
  const last =
    newer === keys ? refusal : await verifySignature(token, ownKeys(newer, entry), entry.algorithms)
  if (last === undefined) return newer
  // The issuer published the key, in a form that can't be used: that is not the token's fault.
  const { broken } = ownKeys(newer, entry)
  const isBroken = last.reason === 'token_key_unknown' && broken.some(key => key.kid === kid)
  return isBroken ? new Refusal('keys_unavailable') : last
}

const finders = new WeakMap<JSONWebKeySet, FindKey>()

/** Verifies a signature with a set of keys (RFC 7515 5.2), and with no other key. Undefined if it is good. */
export async function verifySignature(
  token: string,
  keys: JSONWebKeySet,
  algorithms: readonly Algorithm[],
): Promise<Refusal | undefined> {
  try {
    let find = finders.get(keys)
    if (find === undefined) {
      find = createKeyFinder(keys)
      finders.set(keys, find)
    }
    await compactVerify(token, find, { algorithms: [...algorithms] })
    return undefined
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyWithEach(token, error, algorithms)
    return refusalFor(error)
  }
}

/** Without a `kid`, or with two keys of the same `kid`, several keys may fit. One that verifies is enough. */
async function verifyWithEach(
  token: string,
  fitting: errors.JWKSMultipleMatchingKeys,
  algorithms: readonly Algorithm[],
): Promise<Refusal | undefined> {
  let refusal = new Refusal('token_signature')
  let tried = 0
  for await (const key of fitting) {
    if (tried++ === MAX_TRIED) break
    try {
      await compactVerify(token, key, { algorithms: [...algorithms] })
      return undefined
    } catch (error) {
      refusal = refusalFor(error)
    }
  }
  return refusal
}

function refusalFor(error: unknown): Refusal {
  if (error instanceof errors.JWSSignatureVerificationFailed) return new Refusal('token_signature')
  if (error instanceof errors.JWKSNoMatchingKey) return new Refusal('token_key_unknown')
  if (error instanceof errors.JOSEAlgNotAllowed) return new Refusal('token_algorithm')
  if (error instanceof errors.JWSInvalid) return new Refusal('token_malformed')
  // The key that the token names can't be used: a fault of the issuer who published it, not of the token.
  return new Refusal('keys_unavailable')
}

/** Hashes what is signed. The signature is left out: the same token can be written with another one. */
async function fingerprint(token: string): Promise<string> {
  return base64url.encode(await sha256(token.slice(0, token.lastIndexOf('.'))))
}
