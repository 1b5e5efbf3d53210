import { ROLES, type Role } from '../authorize/rules/role.ts'
import type { Actor, Subject } from '../authorize/subject.ts'
import { Refusal } from '../refusal.ts'
import { type Claims, isPresent, refuseUnproven } from './identity.ts'
import type { ResolvedIssuer } from './issuer.ts'

const NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/
/** Longest value of a claim that we keep. */
const MAX_TEXT = 255
/** Most roles that we keep of one token. */
const MAX_ROLES = 32

/**
 * Narrows verified claims to what rules and records may see. Refuses a token that lacks a claim which the issuer's
 * configuration asks for, or whose subject isn't sure to be who is logged in: nothing is recorded under a name that may
 * be another's.
 */
export function subjectOf(claims: Claims, issuer: ResolvedIssuer, fingerprint: string): Subject | Refusal {
  const id = text(claims[issuer.subject_claim ?? 'sub'])
  const tenant = issuer.tenant_claim === undefined ? undefined : name(claims[issuer.tenant_claim])
  if (id === undefined || (issuer.tenant_claim !== undefined && tenant === undefined)) {
    return new Refusal('token_claim_missing')
  }
  const unproven = refuseUnproven(claims, id, issuer)
  if (unproven !== undefined) return unproven
  const session = text(claims[issuer.session_claim ?? 'sid'])
  const release = issuer.release_claim === undefined ? undefined : text(claims[issuer.release_claim])
  const client = text(claims.client_id) ?? text(claims.azp)
  const actor = actorOf(claims.act, issuer.issuer)
  return {
    id,
    issuer: issuer.issuer,
    roles: roles(claims[issuer.roles_claim ?? 'roles'], issuer.allowed_roles),
    token: text(claims.jti) ?? fingerprint,
    ...(tenant !== undefined && { tenant }),
    ...(tenant === undefined && issuer.allTenants && { allTenants: true }),
    ...(session !== undefined && { session }),
    ...(release !== undefined && { release }),
    ...(client !== undefined && { client }),
    ...(actor !== undefined && { actor }),
  }
}

/** Undefined if the subject acts itself, or one in the chain can't be named. A chain is no deeper than a token's JSON may be. */
function actorOf(act: unknown, ours: string): Actor | undefined {
  if (typeof act !== 'object' || act === null) return undefined
  const { sub, iss = ours, act: before } = act as Claims
  const [id, issuer] = [text(sub), text(iss)]
  if (id === undefined || issuer === undefined) return undefined
  if (!isPresent(before)) return { id, issuer }
  const actor = actorOf(before, ours)
  return actor && { id, issuer, actor }
}

/** A claim counts only as a text that isn't empty: `["patient-1"]`, `1` and `{}` are nobody's id. */
function text(claim: unknown): string | undefined {
  return typeof claim === 'string' && claim !== '' && claim.length <= MAX_TEXT ? claim : undefined
}

/** A tenant is stamped on what is stored and written into the log, so it must be good for both. */
function name(claim: unknown): string | undefined {
  return typeof claim === 'string' && NAME.test(claim) ? claim : undefined
}

/** Roles of ours count only if the issuer may give them; what other roles it names is for the record alone. */
function roles(claim: unknown, allowed: readonly Role[]): readonly string[] {
  const withheld: readonly string[] = ROLES.filter(role => !allowed.includes(role))
  const list = typeof claim === 'string' ? claim.split(' ') : Array.isArray(claim) ? claim : []
  return list
    .filter((role): role is string => text(role) !== undefined && !withheld.includes(role))
    .slice(0, MAX_ROLES)
}
