import { ROLES } from '../authorize/rules/role.ts'
import type { Actor, Subject } from '../authorize/subject.ts'
import { present } from '../base/present.ts'
import { clientOf } from './audience.ts'
import { type Claims, claimAt, isPresent, namesIn, stringClaim } from './claim-value.ts'
import { claimName, type Entry } from './entry.ts'
import { idIn, refuseUnproven } from './identity.ts'
import { claimMissing, type TokenRefusal } from './token-refusal.ts'

const TENANT_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$/
/** Most names of roles that are looked at for the record, beside the gate's own. */
const MAX_ROLES = 32

/**
 * Reduces verified claims to the facts that rules and records may see. Refuses a token without a claim that the issuer's
 * configuration requires, or whose subject may not be the person who is logged in: no record may name a person who did
 * not send the request.
 *
 * @param fingerprint identifies a token without `jti` in the log
 */
export function subjectOf(claims: Claims, entry: Entry, fingerprint: string): Subject | TokenRefusal {
  const { issuer, name, subject_claim = 'sub', tenant_claim, release_claim } = entry
  const named = stringClaim(claimAt(claims, subject_claim))
  const id = named === undefined ? undefined : stringClaim(idIn(named, subject_claim))
  if (id === undefined) return claimMissing(claimName(subject_claim))
  const tenant = tenant_claim === undefined ? undefined : tenantName(claimAt(claims, tenant_claim))
  if (tenant_claim !== undefined && tenant === undefined) return claimMissing(claimName(tenant_claim))
  const unproven = refuseUnproven(claims, id, entry)
  if (unproven !== undefined) return unproven
  return {
    id,
    issuer,
    roles: rolesOf(claims, entry),
    token: stringClaim(claims.jti) ?? fingerprint,
    ...(name !== issuer && { entry: name }),
    ...(!entry.owns && { owns: false }),
    ...(tenant === undefined && entry.allTenants && { allTenants: true }),
    ...present({
      tenant,
      session: stringClaim(claimAt(claims, entry.session_claim ?? 'sid')),
      release: release_claim === undefined ? undefined : stringClaim(claimAt(claims, release_claim)),
      client: clientOf(claims),
      issued: typeof claims.iat === 'number' ? claims.iat : undefined,
      actor: actorOf(claims.act, issuer),
    }),
  }
}

/**
 * Reads an actor and the actors before it. Undefined if the token names no actor, or if one in the chain has no id. The depth of a
 * chain is bounded by the depth of a token's JSON.
 */
export function actorOf(act: unknown, ours: string): Actor | undefined {
  if (typeof act !== 'object' || act === null) return undefined
  const { sub, iss = ours, act: prior } = act as Claims
  const [id, issuer] = [stringClaim(sub), stringClaim(iss)]
  if (id === undefined || issuer === undefined) return undefined
  if (!isPresent(prior)) return { id, issuer }
  const actor = actorOf(prior, ours)
  return actor && { id, issuer, actor }
}

/** A tenant is stamped on stored objects and written into the log, so its name must be valid in both. */
function tenantName(claim: unknown): string | undefined {
  return typeof claim === 'string' && TENANT_NAME.test(claim) ? claim : undefined
}

/**
 * Reads the roles. With a mapping, only what it maps counts; without one, roles that aren't the gate's are kept for the
 * record. Drops those of the gate's roles that the issuer may not give. The limit cuts none of the gate's roles.
 */
export function rolesOf(
  claims: Claims,
  { roles_claim = 'roles', roles_separator = ' ', roles, allowed_roles }: Entry,
): readonly string[] {
  const ours: readonly string[] = ROLES
  const allowed: readonly string[] = allowed_roles
  const names = new Set(namesIn(claimAt(claims, roles_claim), roles_separator))
  const given =
    roles === undefined ? [...names] : ROLES.filter(role => roles[role]?.some(name => names.has(name)))
  return given.filter((role, index) =>
    ours.includes(role) ? allowed.includes(role) : index < MAX_ROLES && stringClaim(role) !== undefined,
  )
}
