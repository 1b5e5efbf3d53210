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

/** Somebody whose tokens are trusted, and how far. */
export interface Issuer {
  /** The `iss` of its tokens, compared as text (RFC 7519 4.1.1). */
  readonly issuer: string
  /** Who its tokens must be meant for: one of these must be among `aud`. Required, or a token for any other app would do. */
  readonly audience: string | readonly string[]
  /** Which algorithms its keys may be used with. Required: neither the token nor the key may choose (RFC 8725 3.1). */
  readonly algorithms: readonly Algorithm[]
  /** Where its public keys are: an https URL (http only on the loopback). This or `jwks`. */
  readonly jwks_uri?: string
  /** Its public keys themselves (RFC 7517 5). This or `jwks_uri`. */
  readonly jwks?: JSONWebKeySet
  /**
   * The claim that names the subject. Default `sub`. With a launch context of SMART on FHIR, such as `patient`, a token
   * must also say in `fhirUser` that this patient is who is logged in: `Patient/` and the same id. With `email` or
   * `phone_number` it must say in `email_verified` or `phone_number_verified` that it was verified.
   */
  readonly subject_claim?: string
  /**
   * The FHIR server whose patients are the subjects, an https URL: if it is set, `fhirUser` may also be a URL
   * below it, and is required with every `subject_claim` but an address (`email`, `phone_number`) and `fhirUser` itself.
   * Default none: `fhirUser` must be relative.
   */
  readonly fhir_base?: string
  /**
   * Takes tokens of one that acts for the subject (`act`, RFC 8693 4.1): support staff who see what a patient sees. Each
   * record of them names who acts, so the token must say it: `act.sub`, and its `iss` where it isn't this issuer's.
   * Default false: such a token is refused.
   */
  readonly allow_actor?: boolean
  /**
   * Takes tokens that are bound to a key of their sender (`cnf`, RFC 7800: DPoP, mTLS) like any other, without a proof of
   * that key: a stolen one then opens. Default false: such a token is refused.
   */
  readonly allow_unbound?: boolean
  /** The claim that holds the roles, a list or a text with spaces. Default `roles`. */
  readonly roles_claim?: string
  /**
   * Which of the gate's roles this issuer's tokens can give: `recorder`, `security`, `app`. A role counts for all issuers'
   * people and recordings, within its holder's tenant. Default all of them for a single issuer, none if there are several.
   */
  readonly allowed_roles?: readonly Role[]
  /**
   * The claim that names the tenant: 1 to 64 of letters, digits and `._:/-`. Default none; where it is set, a token
   * without such a one is refused.
   */
  readonly tenant_claim?: string
  /**
   * Lets this issuer's role `security` read the records of all tenants, for an issuer without `tenant_claim` beside others
   * with one. Default false: a token without a tenant reads nothing if any issuer names tenants.
   */
  readonly allow_all_tenants?: boolean
  /** The claim that names the login session, for the record. Default `sid`. */
  readonly session_claim?: string
  /** The claim that names the app release, for the record. Default none: the header `Mediaward-App-Release` is used. */
  readonly release_claim?: string
  /** How far clocks may differ, in seconds, 0 to 300. Default 30. */
  readonly clock_tolerance_s?: number
  /** How old a token may be by its `iat`, in seconds. Default: no limit but `exp`. Where it is set, `iat` is required. */
  readonly max_age_s?: number
}

/** An issuer's entry, with what follows from the others. */
export interface ResolvedIssuer extends Issuer {
  readonly allowed_roles: readonly Role[]
  /** Whether its tokens read the records of all tenants. */
  readonly allTenants: boolean
}

/** Resolves what an issuer's entry means among the others. */
export function resolveIssuers(issuers: readonly Issuer[]): readonly ResolvedIssuer[] {
  const hasTenants = issuers.some(({ tenant_claim }) => tenant_claim !== undefined)
  return issuers.map(issuer => ({
    ...issuer,
    allowed_roles: issuer.allowed_roles ?? (issuers.length === 1 ? ROLES : []),
    allTenants: !hasTenants || issuer.allow_all_tenants === true,
  }))
}
