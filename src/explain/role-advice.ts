import { claimAt, namesIn } from '../authenticate/claim-value.ts'
import { claimName } from '../authenticate/entry.ts'
import type { ClaimPath } from '../authenticate/issuer.ts'
import { rolesOf } from '../authenticate/subject-claims.ts'
import { ROLES } from '../authorize/rules/role.ts'
import type { Advice, RefusedToken } from './refused-token.ts'
import { quoted } from './shown.ts'

/** Where providers write roles, groups and scopes. */
const ROLE_CLAIMS: readonly ClaimPath[] = [
  'roles',
  'role',
  'permissions',
  'groups',
  'scope',
  'scp',
  'cognito:groups',
  ['realm_access', 'roles'],
  'resource_access',
  ['app_metadata', 'roles'],
  'urn:zitadel:iam:org:project:roles',
]

/**
 * Says why a token gives none of the gate's roles. A token with another role of the gate's is refused in the nature of
 * things, and there is nothing to fix.
 */
export function adviseOnRoles({ facts: { subject }, entry, payload }: RefusedToken): Advice | undefined {
  if (entry === undefined || subject === undefined || subject.roles.some(isOurs)) return undefined
  const { roles_claim = 'roles', roles_separator = ' ' } = entry
  const claim = roles_claim.length === 0 ? 'the token itself' : quoted(claimName(roles_claim))
  const given = rolesOf(payload, { ...entry, allowed_roles: ROLES }).filter(isOurs)
  if (given.length > 0) {
    return [
      `a token gives the role ${given.join(', ')}, which "allowed_roles" doesn't list`,
      'add it to "allowed_roles": with several issuers, none gives a role by default',
    ]
  }
  const held = namesIn(claimAt(payload, roles_claim), roles_separator).filter(name => name !== '')
  if (held.length > 0) {
    return [
      `${claim} of a token holds nothing that is a role of the gate`,
      'say in "roles" what the provider calls them, as in {"recorder":["recordings/recorder"]}',
    ]
  }
  const others = ROLE_CLAIMS.filter(path => namesIn(claimAt(payload, path), ' ').some(name => name !== ''))
  return [
    `"roles_claim" is ${claim}, and there is no role in it${others.length === 0 ? '' : `; the token has ${others.map(claimName).join(', ')}`}`,
    others.length === 0
      ? 'have the provider write roles into it, and name their claim in "roles_claim"'
      : 'name the claim, as in ["realm_access","roles"], and what it holds in "roles"',
  ]
}

const isOurs = (role: string): boolean => ROLES.some(known => known === role)
