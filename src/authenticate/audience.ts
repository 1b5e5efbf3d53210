import { type Claims, isPresent, stringClaim } from './claim-value.ts'
import type { Issuer } from './issuer.ts'
import { claimMissing, TokenRefusal } from './token-refusal.ts'

/** The claims that name the client that a token was issued to: RFC 9068, OpenID Connect, Okta, Microsoft Entra. */
export const CLIENT_CLAIMS = ['client_id', 'azp', 'cid', 'appid'] as const

type Meant = Pick<Issuer, 'audience' | 'clients'>

/** Returns the client that a token was issued to, as far as it says. */
export function clientOf(claims: Claims): string | undefined {
  return CLIENT_CLAIMS.map(name => stringClaim(claims[name])).find(client => client !== undefined)
}

/**
 * Refuses a token that isn't meant for this gate: one for another audience, or issued to a client that isn't listed.
 * With neither list in the configuration, every token is refused.
 */
export function refuseAudience(claims: Claims, { audience, clients }: Meant): TokenRefusal | undefined {
  const named = audiencesOf(claims)
  if (audience !== undefined) {
    if (named === undefined) return claimMissing('aud')
    const ours = listOf(audience)
    if (!ours.some(one => named.includes(one))) return new TokenRefusal('token_audience', { claim: 'aud' })
    return clients && refuseClient(claims, clients, [])
  }
  // A token that names an audience is meant for it, even if one of our clients got it.
  const stranger = named?.some(one => !isOneOf(clients, one)) ?? false
  if (stranger) return new TokenRefusal('token_audience', { claim: 'aud' })
  return refuseClient(claims, clients ?? [], named ?? [])
}

/** Refuses a client that isn't listed. Each claim counts: two that differ name the app, and the service that it calls. */
function refuseClient(
  claims: Claims,
  clients: readonly string[],
  audiences: readonly unknown[],
): TokenRefusal | undefined {
  const named = CLIENT_CLAIMS.filter(name => isPresent(claims[name]))
  const stranger = named.find(name => !isOneOf(clients, claims[name]))
  if (stranger !== undefined) return new TokenRefusal('token_client', { claim: stranger })
  return named.length + audiences.length > 0 ? undefined : claimMissing('client_id')
}

/** Returns what `aud` names. Undefined if it is absent; empty, as some libraries write it, names nothing. */
function audiencesOf({ aud }: Claims): readonly unknown[] | undefined {
  if (aud === undefined || aud === null) return undefined
  if (aud === '') return []
  return Array.isArray(aud) ? aud : [aud]
}

const isOneOf = (list: readonly unknown[] = [], value: unknown): boolean => list.includes(value)

/** Returns a value or a list of them as a list. */
export const listOf = (values: string | readonly string[] = []): readonly string[] =>
  typeof values === 'string' ? [values] : values
