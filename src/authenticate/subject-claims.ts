import { ROLES, type Role } from '../authorize/rules/role.ts'
import type { Actor, Subject } from '../authorize/subject.ts'
import { Refusal } from '../refusal.ts'
import { type Claims, isPresent, refuseUnproven } from './identity.ts'
import type { ResolvedIssuer } from './issuer.ts'

const TENANT_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/
/** Longest value of a claim that is kept, in characters. */
const MAX_VALUE = 255
/** Most roles of one token that are kept. */
const MAX_ROLES = 32

/**
 * Reduces verified claims to the facts that rules and records may see. Refuses a token without a claim that the issuer's
 * configuration requires, or whose subject may not be the person who is logged in: no record may name a person who did
 * not send the request.
 *
 * @param fingerprint identifies a token without `jti` in the log
 */
export function subjectOf(claims: Claims, issuer: ResolvedIssuer, fingerprint: string): Subject | Refusal {
  const id = stringClaim(claims[issuer.subject_claim ?? 'sub'])
  const tenant = issuer.tenant_claim === undefined ? undefined : tenantName(claims[issuer.tenant_claim])
  if (id === undefined || (issuer.tenant_claim !== undefined && tenant === undefined)) {
    return new Refusal('token_claim_missing')
  }
  const unproven = refuseUnproven(claims, id, issuer)
  if (unproven !== undefined) return unproven
  const session = stringClaim(claims[issuer.session_claim ?? 'sid'])
  const release = issuer.release_claim === undefined ? undefined : stringClaim(claims[issuer.release_claim])
  const client = stringClaim(claims.client_id) ?? stringClaim(claims.azp)
  const actor = actorOf(claims.act, issuer.issuer)
  return {
    id,
    issuer: issuer.issuer,
    roles: rolesOf(claims[issuer.roles_claim ?? 'roles'], issuer.allowed_roles),
    token: stringClaim(claims.jti) ?? fingerprint,
    ...(tenant !== undefined && { tenant }),
    ...(tenant === undefined && issuer.allTenants && { allTenants: true }),
    ...(session !== undefined && { session }),
    ...(release !== undefined && { release }),
    ...(client !== undefined && { client }),
    ...(actor !== undefined && { actor }),
  }
}

/**
 * Reads an actor and the actors before it. Undefined if the token names no actor, or if one in the chain has no id. The depth of a
 * chain is bounded by the depth of a token's JSON.
 */
function actorOf(act: unknown, ours: string): Actor | undefined {
  if (typeof act !== 'object' || act === null) return undefined
  const { sub, iss = ours, act: prior } = act as Claims
  const [id, issuer] = [stringClaim(sub), stringClaim(iss)]
  if (id === undefined || issuer === undefined) return undefined
  if (!isPresent(prior)) return { id, issuer }
  const actor = actorOf(prior, ours)
  return actor && { id, issuer, actor }
}

/** Accepts only a non-empty string: `["patient-1"]`, `1` and `{}` are not ids. */
function stringClaim(claim: unknown): string | undefined {
  return typeof claim === 'string' && claim !== '' && claim.length <= MAX_VALUE ? claim : undefined
}

/** A tenant is stamped on stored objects and written into the log, so its name must be valid in both. */
function tenantName(claim: unknown): string | undefined {
  return typeof claim === 'string' && TENANT_NAME.test(claim) ? claim : undefined
}

/** Drops the gate's own roles that the issuer may not give. Other roles are kept, for the record only. */
function rolesOf(claim: unknown, allowed: readonly Role[]): readonly string[] {
  const withheld: readonly string[] = ROLES.filter(role => !allowed.includes(role))
  const list = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  return list
    .filter((role): role is string => stringClaim(role) !== undefined && !withheld.includes(role))
    .slice(0, MAX_ROLES)
}
