import { base64url, createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose'
import type { Reason } from '../reason.ts'
import { isRefused, type Refused, refused } from '../refusal.ts'
import type { Issuer } from './issuer.ts'
import { type KeySource, KeysUnavailable, type WaitUntil } from './key-source.ts'
import { type Subject, subjectOf } from './subject.ts'
import { parseToken, type Unverified } from './token-text.ts'

/** An issuer together with the source of its keys. */
export interface TrustedIssuer extends Issuer {
  readonly keys: KeySource
}

/** What a verified token says, and from when until when (seconds since 1970). */
export interface VerifiedToken {
  readonly subject: Subject
  readonly issuedAt?: number
  readonly notBefore?: number
  readonly expires: number
}

/** A refusal; its subject is there where the signature was good, so that the record can say whose token it was. */
export interface TokenRefused extends Refused {
  readonly subject?: Subject
}

/** Token kinds that are access tokens (RFC 8725 3.11, RFC 9068 2.1); a logout or DPoP token is none. */
const TYPES = new Set(['jwt', 'at+jwt'])
/** 31 December 9999: a NumericDate beyond any calendar is no date. `1e400` parses to Infinity. */
const LAST_DATE = 253_402_300_799

/** How far the clocks of an issuer and ours may differ, in seconds. */
export function tolerance(issuer: Issuer): number {
  return issuer.clock_tolerance_s ?? 30
}

/**
 * Verifies one token, from its text alone: kind, algorithm, key, signature, then claims. Everything that is
 * compared comes from our configuration; what a token says of its own keys (`jwk`, `jku`, `x5u`, `x5c`) is not read.
 *
 * @param now milliseconds since 1970
 */
export async function verifyAccessToken(
  token: string,
  issuers: ReadonlyMap<string, TrustedIssuer>,
  now: number,
  waitUntil: WaitUntil,
): Promise<VerifiedToken | TokenRefused> {
  const unverified = parseToken(token)
  if (unverified === undefined) return refused('token_malformed')
  const chosen = choose(unverified, issuers)
  if (isRefused(chosen)) return chosen
  const { issuer, kid } = chosen
  try {
    const verified = await verifySignature(token, issuer, kid, now, waitUntil)
    return await accept(token, verified, issuer, now)
  } catch (error) {
    if (error instanceof KeysUnavailable) return refused('keys_unavailable')
    const payload =
      error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed
        ? error.payload
        : undefined
    const subject = payload && subjectOf(payload, issuer, await fingerprint(token))
    return { ...refused(reasonFor(error, issuer)), ...(subject && { subject }) }
  }
}

/** Everything that can be said before a key is needed, so that a hopeless token never makes us fetch one. */
function choose(
  { header, payload }: Unverified,
  issuers: ReadonlyMap<string, TrustedIssuer>,
): { issuer: TrustedIssuer; kid: string | undefined } | Refused {
  const issuer = typeof payload.iss === 'string' ? issuers.get(payload.iss) : undefined
  if (issuer === undefined) return refused('token_issuer')
  const { alg, typ, kid } = header
  if (!issuer.algorithms.some(algorithm => algorithm === alg)) return refused('token_algorithm')
  if (typ !== undefined) {
    if (typeof typ !== 'string') return refused('token_type')
    if (!TYPES.has(typ.toLowerCase().replace(/^application\//, ''))) return refused('token_type')
  }
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256)) return refused('token_malformed')
  return { issuer, kid }
}

async function verifySignature(
  token: string,
  issuer: TrustedIssuer,
  kid: string | undefined,
  now: number,
  waitUntil: WaitUntil,
): Promise<JWTPayload> {
  const options = {
    issuer: issuer.issuer,
    audience: typeof issuer.audience === 'string' ? issuer.audience : [...issuer.audience],
    algorithms: [...issuer.algorithms],
    clockTolerance: tolerance(issuer),
    currentDate: new Date(now),
    requiredClaims: ['exp'],
    ...(issuer.max_age_s !== undefined && { maxTokenAge: issuer.max_age_s }),
  }
  const keys = await issuer.keys.current(now, waitUntil)
  try {
    return (await jwtVerify(token, prepared(keys), options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey) || kid === undefined) throw error
    const newer = await issuer.keys.seeking(kid, now, waitUntil)
    if (newer === keys) throw error
    return (await jwtVerify(token, prepared(newer), options)).payload
  }
}

// jose imports a key at its first use and remembers it with the function that it makes for a set.
const sets = new WeakMap<JSONWebKeySet, ReturnType<typeof createLocalJWKSet>>()
function prepared(keys: JSONWebKeySet): ReturnType<typeof createLocalJWKSet> {
  let set = sets.get(keys)
  if (set === undefined) {
    set = createLocalJWKSet(keys)
    sets.set(keys, set)
  }
  return set
}

async function accept(
  token: string,
  claims: JWTPayload,
  issuer: TrustedIssuer,
  now: number,
): Promise<VerifiedToken | TokenRefused> {
  const subject = subjectOf(claims, issuer, await fingerprint(token))
  const { exp, nbf, iat } = claims
  if (subject === undefined || !isDate(exp)) return refused('token_claim_missing')
  if ((nbf !== undefined && !isDate(nbf)) || (iat !== undefined && !isDate(iat))) {
    return { ...refused('token_claim_missing'), subject }
  }
  // A token from the future was made by a clock, or a person, not to be trusted.
  if (iat !== undefined && iat > now / 1000 + tolerance(issuer)) {
    return { ...refused('token_not_yet_valid'), subject }
  }
  return {
    subject,
    expires: exp,
    ...(iat !== undefined && { issuedAt: iat }),
    ...(nbf !== undefined && { notBefore: nbf }),
  }
}

const isDate = (value: unknown): value is number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 && value <= LAST_DATE

/** A hash of what is signed. The signature is left out: the same token can be written with another one. */
async function fingerprint(token: string): Promise<string> {
  const signed = new TextEncoder().encode(token.slice(0, token.lastIndexOf('.')))
  return base64url.encode(new Uint8Array(await crypto.subtle.digest('SHA-256', signed)))
}

function reasonFor(error: unknown, issuer: TrustedIssuer): Reason {
  if (error instanceof errors.JWTExpired) return error.claim === 'iat' ? 'token_too_old' : 'token_expired'
  if (error instanceof errors.JWTClaimValidationFailed) {
    switch (error.claim) {
      case 'aud':
        return error.reason === 'missing' ? 'token_claim_missing' : 'token_audience'
      case 'nbf':
        return error.reason === 'check_failed' ? 'token_not_yet_valid' : 'token_claim_missing'
      case 'iat':
        return issuer.max_age_s !== undefined && error.reason === 'check_failed'
          ? 'token_not_yet_valid'
          : 'token_claim_missing'
      default:
        return 'token_claim_missing'
    }
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'token_signature'
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return 'token_key_unknown'
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return 'token_algorithm'
  if (error instanceof errors.JOSEError) return 'token_malformed'
  // What WebCrypto throws over a key that doesn't fit its algorithm.
  return 'token_signature'
}
