import { calculateJwkThumbprint, compactVerify, EmbeddedJWK, type JWK } from 'jose'
import * as base64url from 'jose/base64url'
import * as errors from 'jose/errors'
import { sha256 } from '../../base/bytes.ts'
import { type Claims, stringClaim } from '../claim-value.ts'
import { ALGORITHMS } from '../issuer.ts'
import { parseToken } from '../parse-token.ts'
import { TokenRefusal } from '../token-refusal.ts'
import { normalizeUrl } from './normalize-url.ts'

/** The request that a proof must be for. */
export interface ProvenRequest {
  readonly method: string
  /** Its URL as clients know it, without query and fragment. */
  readonly url: string
  /** The token that the request presents. */
  readonly token: string
  /** When the request came, in milliseconds since 1970. */
  readonly at: number
}

/** What is left of a proof that is good for its request. */
export interface VerifiedProof {
  /** The thumbprint of the key that signed it (RFC 7638, SHA-256). */
  readonly thumbprint: string
  /** Identifies the proof among those of its key. */
  readonly id: string
}

/** How long a proof is good, in seconds. */
export const LIFETIME = 60
/** How far the clock of a client may be ahead, in seconds. */
export const AHEAD = 5
/** Longest proof that is parsed, in characters: more than one with a key of 4096 bits for the longest path has. */
const MAX_PROOF = 8192
/** Members of private and symmetric keys (RFC 7518 6.2.2, 6.3.2, 6.4.1). */
const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']
/** Most characters of an RSA key's modulus: 4096 bits. The caller chooses the key, and with it how long the gate works. */
const MAX_MODULUS = 683
/** 65537, which every library takes. With a large exponent the gate would work for long; with 1 anyone can sign. */
const EXPONENT = 'AQAB'

/**
 * Verifies a DPoP proof (RFC 9449 4.3): all but whether a token is bound to its key, and whether the proof was used before.
 * What is cheap is checked first.
 *
 * @param proof the `DPoP` header. Several of them arrive joined by a comma, which no proof contains
 */
export async function verifyProof(
  proof: string | null,
  request: ProvenRequest,
): Promise<VerifiedProof | TokenRefusal> {
  if (proof === null) return new TokenRefusal('proof_missing', {})
  const unverified = proof.length > MAX_PROOF ? undefined : parseToken(proof)
  if (unverified === undefined) return new TokenRefusal('proof_invalid', {})
  const { header, payload } = unverified
  const refusal = refuseHeader(header) ?? (await refuseClaims(payload, request))
  if (refusal !== undefined) return refusal
  try {
    await compactVerify(proof, EmbeddedJWK, { algorithms: [...ALGORITHMS] })
    return { thumbprint: await calculateJwkThumbprint(header.jwk as JWK), id: payload.jti as string }
  } catch (error) {
    // Any other error says that the key can't be used, or not with this algorithm. The caller chose both.
    return error instanceof errors.JWSSignatureVerificationFailed
      ? new TokenRefusal('proof_invalid', {})
      : invalid('jwk')
  }
}

/** @param claim the claim, or the parameter of the header, that is missing or wrong */
const invalid = (claim: string): TokenRefusal => new TokenRefusal('proof_invalid', { claim })

function refuseHeader({ typ, alg, jwk, crit }: Claims): TokenRefusal | undefined {
  // RFC 9449 11.5: a token of the same key, made for something else, must not pass for a proof.
  if (typ !== 'dpop+jwt') return invalid('typ')
  if (!ALGORITHMS.some(algorithm => algorithm === alg)) return invalid('alg')
  // RFC 7515 4.1.11: extensions that the recipient must understand. The gate understands none.
  if (crit !== undefined) return invalid('crit')
  return isPublicKey(jwk) ? undefined : invalid('jwk')
}

/** Whether a JWK may be a public key. Its other rules are those of the algorithm, and jose applies them. */
function isPublicKey(jwk: unknown): boolean {
  if (typeof jwk !== 'object' || jwk === null || PRIVATE.some(member => Object.hasOwn(jwk, member)))
    return false
  const { kty, n, e } = jwk as Claims
  return kty !== 'RSA' || (typeof n === 'string' && n.length <= MAX_MODULUS && e === EXPONENT)
}

async function refuseClaims(
  { jti, htm, htu, iat, exp, nbf, ath }: Claims,
  { method, url, token, at }: ProvenRequest,
): Promise<TokenRefusal | undefined> {
  const now = at / 1000
  if (stringClaim(jti) === undefined) return invalid('jti')
  if (htm !== method) return invalid('htm')
  if (typeof htu !== 'string' || normalizeUrl(htu) !== url) return invalid('htu')
  if (typeof iat !== 'number' || !(now - iat <= LIFETIME && iat - now <= AHEAD)) return invalid('iat')
  // A proof needs neither of these, but a JWT that has one must be refused outside of it (RFC 7519 4.1.4, 4.1.5).
  if (exp !== undefined && !(typeof exp === 'number' && now < exp)) return invalid('exp')
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf - now <= AHEAD)) return invalid('nbf')
  return ath === base64url.encode(await sha256(token)) ? undefined : invalid('ath')
}
