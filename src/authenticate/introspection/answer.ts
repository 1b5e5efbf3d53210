import { Refusal } from '../../refusal.ts'
import { type Claims, isPresent } from '../claim-value.ts'
import { type AcceptedToken, acceptClaims } from '../claims.ts'
import { TokenRefusal } from '../token-refusal.ts'
import { chooseEntry, type TrustedEntry } from '../trusted-issuers.ts'

/** An opaque token that was accepted, with the entry whose rules it met. */
export interface IntrospectedToken extends AcceptedToken {
  readonly entry: TrustedEntry
}

/** What an issuer's answer about a token means. */
export type Meaning = IntrospectedToken | Refusal

/** The entries of one issuer that introspect at one endpoint. */
export type IntrospectingEntries = readonly [TrustedEntry, ...(readonly TrustedEntry[])]

/** The members of an answer that may say which kind of token it is: RFC 7662 2.2, Keycloak, Ory Hydra. */
const KINDS = ['token_type', 'typ', 'token_use'] as const

/** What they call an access token (RFC 6750 4, RFC 9449 5, RFC 8693 3, RFC 9068 2.1). */
const ACCESS_TOKENS = new Set([
  'bearer',
  'dpop',
  'access',
  'access_token',
  'urn:ietf:params:oauth:token-type:access_token',
  'jwt',
  'at+jwt',
])

/**
 * Checks what an issuer answers about a token (RFC 7662 2.2) as the claims of a signed one are checked.
 *
 * @param claims those of an active token, undefined for any other
 * @param hash identifies a token without `jti` in the log
 * @param now milliseconds since 1970
 */
export function acceptAnswer(
  claims: Claims | undefined,
  entries: IntrospectingEntries,
  hash: string,
  now: number,
): Meaning {
  const [{ issuer, name }] = entries
  if (claims === undefined) return new TokenRefusal('token_inactive', { entry: name })
  // Optional. If it is there, the token is of the issuer that was asked, or of none.
  if (isPresent(claims.iss) && claims.iss !== issuer) {
    return new TokenRefusal('token_issuer', { entry: name, claim: 'iss' })
  }
  const entry = chooseEntry(entries, claims)
  if (entry instanceof Refusal) return entry
  const kind = KINDS.find(claim => isPresent(claims[claim]) && !isAccessToken(claims[claim]))
  if (kind !== undefined) return new TokenRefusal('token_type', { issuer, entry: entry.name, claim: kind })
  const accepted = acceptClaims(claims, entry, hash, now)
  if (accepted instanceof Refusal) return accepted
  const { subject, thumbprint } = accepted
  // Without its key, a bound token would be one that any thief can use (RFC 9449 6.2).
  if (thumbprint === undefined && KINDS.some(claim => lowered(claims[claim]) === 'dpop')) {
    return new TokenRefusal('token_bound', { claim: 'cnf', subject })
  }
  return { ...accepted, entry }
}

/** A server may call a refresh token active too (RFC 7662 2.1), which is a credential for that server alone. */
const isAccessToken = (kind: unknown): boolean => ACCESS_TOKENS.has(lowered(kind))

const lowered = (kind: unknown): string => (typeof kind === 'string' ? kind.toLowerCase() : '')
