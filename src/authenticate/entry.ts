import { ROLES, type Role } from '../authorize/rules/role.ts'
import { Secret } from '../base/secret.ts'
import type { Introspection } from './introspection/introspection.ts'
import type { Algorithm, ClaimPath, Issuer } from './issuer.ts'

/** An issuer's entry for one `iss`, with what follows from the other entries. */
export interface Entry extends Omit<Issuer, 'tenants'> {
  /** The `iss` of its tokens, with no `{tenantid}`. */
  readonly issuer: string
  readonly name: string
  readonly algorithms: readonly Algorithm[]
  /** What `tid` must be. Undefined if the entry isn't of a template. */
  readonly tenant: string | undefined
  readonly owns: boolean
  readonly allowed_roles: readonly Role[]
  /** Whether its tokens may read the records of all tenants. */
  readonly allTenants: boolean
}

/** What is replaced in `issuer` and `jwks_uri` of a template. Microsoft's own documents write it so. */
export const TENANT = '{tenantid}'

/** Resolves what each issuer's entry means in view of the others: one entry for each `iss`. */
export function resolveEntries(issuers: readonly Issuer[]): readonly Entry[] {
  const hasTenants = issuers.some(({ tenant_claim }) => tenant_claim !== undefined)
  const isOnly = issuers.length === 1 && issuers[0]?.tenants === undefined
  return issuers.flatMap(({ tenants, ...issuer }) =>
    (tenants ?? [undefined]).map(tenant => ({
      ...issuer,
      ...(issuer.introspection && { introspection: sealed(issuer.introspection) }),
      issuer: inTenant(issuer.issuer, tenant),
      ...(issuer.jwks_uri !== undefined && { jwks_uri: inTenant(issuer.jwks_uri, tenant) }),
      name: nameOf(issuer),
      algorithms: withSynonyms(issuer.algorithms ?? []),
      tenant,
      owns: issuer.owns !== false,
      allowed_roles: issuer.allowed_roles ?? (isOnly ? rolesOfTheOnly(issuer) : []),
      allTenants: !hasTenants || issuer.allow_all_tenants === true,
    })),
  )
}

/** Roles that a token of the only issuer may have without a word about them in the configuration. */
const BY_DEFAULT: readonly Role[] = ['recorder', 'security', 'app']

/**
 * Returns the roles of the only issuer, if it doesn't say which it may give. Names such as `viewer` are common: a token that
 * has one for another system must not read the log by it.
 */
function rolesOfTheOnly({ roles = {} }: Pick<Issuer, 'roles'>): readonly Role[] {
  return ROLES.filter(role => BY_DEFAULT.includes(role) || roles[role] !== undefined)
}

/** Returns what an entry is called. */
export const nameOf = ({ name, issuer }: Issuer): string => name ?? issuer

/** Replaces `{tenantid}` in a template. */
export const inTenant = (template: string, tenant: string | undefined): string =>
  tenant === undefined ? template : template.replaceAll(TENANT, tenant)

/** Returns a path to a claim as a list of names. */
export const pathOf = (path: ClaimPath): readonly string[] => (typeof path === 'string' ? [path] : path)

/** Names a claim in a record or a message. */
export const claimName = (path: ClaimPath): string => pathOf(path).join('.')

/** Returns whether the subjects of an entry have `sub` as their id, however the path to it is written. */
export const hasSubAsId = ({ subject_claim = 'sub' }: Pick<Issuer, 'subject_claim'>): boolean =>
  claimName(subject_claim) === 'sub'

/** Keeps the secret from being shown with the entry. */
const sealed = (introspection: Introspection): Introspection => ({
  ...introspection,
  client_secret: Secret.of(introspection.client_secret),
})

/** EdDSA with Ed25519 has two names (RFC 8037 3.1, RFC 9864 2.2). An entry that takes one takes both. */
function withSynonyms(algorithms: readonly Algorithm[]): readonly Algorithm[] {
  const isEd25519 = (algorithm: Algorithm) => algorithm === 'EdDSA' || algorithm === 'Ed25519'
  return algorithms.some(isEd25519)
    ? [...algorithms.filter(algorithm => !isEd25519(algorithm)), 'EdDSA', 'Ed25519']
    : algorithms
}
