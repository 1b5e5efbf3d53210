import type { JSONWebKeySet } from 'jose'
import type { Role } from '../authorize/rules/role.ts'
import type { Introspection } from './introspection/introspection.ts'

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

/** Returns the public keys of an issuer, as a JWK set (RFC 7517 5). */
export type KeyFunction = () => JSONWebKeySet | Promise<JSONWebKeySet>

/** The name of a claim, or the way to a nested one: a list of names, such as `["realm_access","roles"]`. */
export type ClaimPath = string | readonly string[]

/** A value that a claim can be required to have. */
export type ClaimValue = string | number | boolean

/**
 * An identity provider whose tokens are trusted, and how far. One issuer may have several entries, if no token fits two
 * of them.
 */
export interface Issuer {
  /**
   * The `iss` of its tokens, compared character by character (RFC 7519 4.1.1). `{tenantid}` in it is replaced by each of
   * `tenants`.
   */
  readonly issuer: string
  /**
   * What the log calls the entry. Required, and different, if an issuer has several entries. Another name ends the tickets
   * of the entry.
   *
   * @defaultValue `issuer`
   */
  readonly name?: string
  /**
   * The tenants that `{tenantid}` in `issuer` (and `jwks_uri`) may be, such as those of Microsoft Entra.
   *
   * The claim `tid` must name the tenant in `iss`.
   *
   * @defaultValue none: `issuer` has no `{tenantid}`
   */
  readonly tenants?: readonly string[]
  /**
   * Which audiences its tokens must be meant for, one or a list: one of them must be in `aud`.
   *
   * Either this or `clients` is required: without both, a token for any other app would be accepted.
   *
   * @defaultValue none: `clients` says whose tokens are accepted
   */
  readonly audience?: string | readonly string[]
  /**
   * Which clients its tokens must be issued to, for providers that write no `aud`: each of `client_id`, `azp`, `cid` and
   * `appid` that a token has must be on the list, and one must be there.
   *
   * Without `audience`, `aud` must be absent, or name nothing but clients of this list; then it counts as one of the four.
   *
   * @defaultValue none: the tokens of all clients are accepted
   */
  readonly clients?: readonly string[]
  /**
   * Claims that must have a value, or one of a list: `{"acr":"2","scope":["recordings.play"]}`.
   *
   * A claim that is a list needs it as one element, a string with spaces as one word.
   *
   * @defaultValue none
   */
  readonly required_claims?: Readonly<Record<string, ClaimValue | readonly ClaimValue[]>>
  /**
   * The algorithms that its keys may be used with: `ES256`, `ES384`, `ES512`, `RS256`…, `PS256`…, `EdDSA`, `Ed25519`; never
   * HMAC.
   *
   * Neither the token nor the key may choose (RFC 8725 3.1). Without it, no signed token is accepted.
   *
   * @defaultValue required unless `introspection` is there
   */
  readonly algorithms?: readonly Algorithm[]
  /**
   * The https URL of its public keys, a JWK set (`http://` only with a loopback name). One of this, `discovery` and `jwks`
   * is required.
   *
   * A key that names another issuer isn't used: Microsoft Entra writes a member `issuer` into its keys.
   *
   * @defaultValue none
   */
  readonly jwks_uri?: string
  /**
   * Whether the gate finds `jwks_uri` in the metadata that the issuer publishes (OpenID Connect Discovery 1.0, RFC 8414),
   * below the issuer's own URL.
   *
   * Nothing else of the metadata is used. In particular, `algorithms` says which algorithms are trusted.
   *
   * @defaultValue `false`
   */
  readonly discovery?: boolean
  /**
   * The public keys themselves, as a JWK set (RFC 7517 5). In code it may be a function that returns one or a promise of
   * it.
   *
   * The gate calls the function when it would fetch keys: not for each request, and no longer than five seconds.
   *
   * @defaultValue none
   */
  readonly jwks?: JSONWebKeySet | KeyFunction
  /**
   * Accepts `http://` for `jwks_uri`, in discovery and for introspection, within a network of your own. Everyone who can
   * change what is sent there can be every subject.
   *
   * Everyone who can read what is sent to introspect gets the tokens, and the secret of the gate's client.
   *
   * @defaultValue `false`
   */
  readonly allow_http_keys?: boolean
  /**
   * The endpoint that says what an opaque token is (RFC 7662), and the gate's own client there. A token in the form of a
   * JWS is never sent to it.
   *
   * With it, the entry needs no `algorithms` and no keys, unless some of the issuer's tokens are signed.
   *
   * @defaultValue none: only signed tokens are accepted
   */
  readonly introspection?: Introspection
  /**
   * The claim that names the subject. Any other than `sub` asks more of a token, as it must say who is logged in.
   *
   * With a launch context of SMART on FHIR, such as `patient`, a token must also say in `fhirUser` that this patient is
   * logged in: `Patient/` and the same id. With `email` or `phone_number` it must say in `email_verified` or
   * `phone_number_verified` that the address was verified.
   *
   * Of a FHIR reference such as `Patient/123`, the prefix `Patient/` is taken off, and no other.
   *
   * @defaultValue `sub`
   */
  readonly subject_claim?: ClaimPath
  /**
   * Whether its subjects can be owners of recordings. With `false` they never are, whatever their ids: members of staff
   * in the issuer of the patients.
   *
   * Required of all but one of an issuer's entries if their `subject_claim` differ: an id of one must not open what
   * belongs to the same id of another.
   *
   * @defaultValue `true`
   */
  readonly owns?: boolean
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
   * Accepts tokens that are bound to a TLS certificate of their sender (`cnf`, RFC 7800, RFC 8705) without a proof of it, so
   * that a stolen one works too. Never those that are bound to a DPoP key. Not together with `dpop`.
   *
   * @defaultValue `false`
   */
  readonly allow_unbound?: boolean
  /**
   * `accepted` takes tokens that are bound to a key of their client (DPoP, RFC 9449), if they come with a proof of that
   * key, beside tokens that are bound to none. `required` takes no others. Needs `PUBLIC_URL`.
   *
   * Such a token comes as `Authorization: DPoP`, with a new proof in the header `DPoP` for each request. A proof names the
   * request's method and its URL, which begins with `PUBLIC_URL`. It is good for 60 seconds, and once.
   *
   * @defaultValue none: tokens that are bound to a DPoP key are refused
   */
  readonly dpop?: 'accepted' | 'required'
  /**
   * The claim that holds the roles: a list, a string with spaces between them, or an object whose keys are the roles.
   *
   * A key of an object counts unless its value is `false`, `null`, `0` or empty. The empty path `[]` is the token
   * itself, for roles that are claims of their own, and needs `roles`.
   *
   * @defaultValue `roles`
   */
  readonly roles_claim?: ClaimPath
  /**
   * What is between two roles of a string: a space or `,`.
   *
   * @defaultValue a space
   */
  readonly roles_separator?: ' ' | ','
  /**
   * What the issuer calls the gate's roles: `{"recorder":["recordings/recorder"],"security":["/security"]}`. Names that
   * aren't there mean nothing.
   *
   * @defaultValue none: the issuer's roles have the gate's names
   */
  readonly roles?: Readonly<Partial<Record<Role, readonly string[]>>>
  /**
   * The roles that its tokens can give: `recorder`, `app`, `security`, `analyst`, `viewer`.
   *
   * A role counts for the people and recordings of all issuers, within its holder's tenant.
   *
   * @defaultValue for a single issuer the first three, and those that `roles` names; none if there are several
   */
  readonly allowed_roles?: readonly Role[]
  /**
   * The claim that names the tenant: 1 to 64 of letters, digits and `._:/-`. A token without one is then refused.
   *
   * @defaultValue none
   */
  readonly tenant_claim?: ClaimPath
  /**
   * Lets its roles `security`, `analyst` and `viewer` read the records of all tenants, for an issuer without `tenant_claim` beside others with one.
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
  readonly session_claim?: ClaimPath
  /**
   * The claim that names the app's release, for the record. If a token doesn't have it, the header
   * `Mediaward-App-Release` counts.
   *
   * @defaultValue none: the header counts
   */
  readonly release_claim?: ClaimPath
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
  /**
   * A header that holds its tokens, as a proxy sets it: `Cf-Access-Jwt-Assertion`. `Authorization` counts first. It doesn't
   * count for a request of another site.
   *
   * @defaultValue none: `Authorization` alone
   */
  readonly header?: string
  /**
   * A cookie that holds its tokens, as a login proxy sets it: `CF_Authorization`. It counts for playing alone, and not
   * for a request of another site.
   *
   * @defaultValue none
   */
  readonly cookie?: string
}
