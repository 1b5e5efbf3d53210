import type { JSONWebKeySet } from 'jose'
import { ROLES, type Role } from '../authorize/rules/role.ts'

/** A signature algorithm that may be trusted: asymmetric ones only (RFC 7518 3.1, RFC 8037, RFC 9864). */
export const ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
  'Ed25519',
] as const

/** One of {@link ALGORITHMS}. */
export type Algorithm = (typeof ALGORITHMS)[number]

/** An identity provider whose tokens are trusted, and how far. */
export interface Issuer {
  /** The `iss` of its tokens, compared character by character (RFC 7519 4.1.1). */
  readonly issuer: string
  /**
   * Which audiences its tokens must be meant for, one or a list: one of them must be in `aud`.
   *
   * Required: without it, a token for any other app would be accepted.
   */
  readonly audience: string | readonly string[]
  /**
   * The algorithms that its keys may be used with: `ES256`, `ES384`, `ES512`, `RS256`…, `PS256`…, `EdDSA`, `Ed25519`; never
   * HMAC.
   *
   * Required: neither the token nor the key may choose (RFC 8725 3.1).
   */
  readonly algorithms: readonly Algorithm[]
  /**
   * The https URL of its public keys (`http://` only with a loopback name). Either this or `jwks`.
   *
   * @defaultValue none: `jwks` holds the keys
   */
  readonly jwks_uri?: string
  /**
   * The public keys themselves, as a JWK set (RFC 7517 5). Either this or `jwks_uri`.
   *
   * @defaultValue none: `jwks_uri` says where they are
   */
  readonly jwks?: JSONWebKeySet
  /**
   * The claim that names the subject. Any other than `sub` asks more of a token, as it must say who is logged in.
   *
   * With a launch context of SMART on FHIR, such as `patient`, a token must also say in `fhirUser` that this patient is
   * logged in: `Patient/` and the same id. With `email` or `phone_number` it must say in `email_verified` or
   * `phone_number_verified` that the address was verified.
   *
   * @defaultValue `sub`
   */
  readonly subject_claim?: string
  /**
   * The FHIR server whose patients are the subjects, an https URL. `fhirUser` may then also be a URL below it.
   *
   * With it, `fhirUser` is required for every `subject_claim` but an address (`email`, `phone_number`) and `fhirUser`
   * itself.
   *
   * @defaultValue none: `fhirUser` must be relative
   */
  readonly fhir_base?: string
  /**
   * Accepts tokens of one who acts for the subject (`act`, RFC 8693 4.1), such as support staff who see what a patient
   * sees.
   *
   * Each record of such a token names the actor, so the token must hold `act.sub`, and `act.iss` unless the actor is of
   * the same issuer.
   *
   * @defaultValue `false`
   */
  readonly allow_actor?: boolean
  /**
   * Accepts tokens that are bound to a key of their sender (`cnf`, RFC 7800: DPoP, mTLS) without a proof of that key, so
   * that a stolen one works too.
   *
   * @defaultValue `false`
   */
  readonly allow_unbound?: boolean
  /**
   * The claim that holds the roles: a list, or a string with spaces between them.
   *
   * @defaultValue `roles`
   */
  readonly roles_claim?: string
  /**
   * The roles that its tokens can give: `recorder`, `security`, `app`.
   *
   * A role counts for the people and recordings of all issuers, within its holder's tenant.
   *
   * @defaultValue all of them for a single issuer, none if there are several
   */
  readonly allowed_roles?: readonly Role[]
  /**
   * The claim that names the tenant: 1 to 64 of letters, digits and `._:/-`. A token without one is then refused.
   *
   * @defaultValue none
   */
  readonly tenant_claim?: string
  /**
   * Lets its role `security` read the records of all tenants, for an issuer without `tenant_claim` beside others with one.
   *
   * Without this, a token without a tenant reads nothing if any issuer names tenants.
   *
   * @defaultValue `false`
   */
  readonly allow_all_tenants?: boolean
  /**
   * The claim that names the login session, for the record.
   *
   * @defaultValue `sid`
   */
  readonly session_claim?: string
  /**
   * The claim that names the app's release, for the record. If a token doesn't have it, the header
   * `Mediaward-App-Release` counts.
   *
   * @defaultValue none: the header counts
   */
  readonly release_claim?: string
  /**
   * How far clocks may differ, in seconds, 0 to 300.
   *
   * @defaultValue `30`
   */
  readonly clock_tolerance_s?: number
  /**
   * How old a token may be by its `iat`, in seconds. `iat` is then required.
   *
   * @defaultValue none: `exp` alone limits it
   */
  readonly max_age_s?: number
}

/** An issuer's entry, with what follows from the other entries. */
export interface ResolvedIssuer extends Issuer {
  readonly allowed_roles: readonly Role[]
  /** Whether its tokens may read the records of all tenants. */
  readonly allTenants: boolean
}

/** Resolves what each issuer's entry means in view of the others. */
export function resolveIssuers(issuers: readonly Issuer[]): readonly ResolvedIssuer[] {
  const hasTenants = issuers.some(({ tenant_claim }) => tenant_claim !== undefined)
  return issuers.map(issuer => ({
    ...issuer,
    allowed_roles: issuer.allowed_roles ?? (issuers.length === 1 ? ROLES : []),
    allTenants: !hasTenants || issuer.allow_all_tenants === true,
  }))
}
