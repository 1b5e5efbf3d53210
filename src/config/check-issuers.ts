import { nameOf } from '../authenticate/entry.ts'
import { ALGORITHMS, type Issuer } from '../authenticate/issuer.ts'
import { ROLES } from '../authorize/rules/role.ts'
import { plainUrl } from '../base/url.ts'
import { checkEntries } from './check-entries.ts'
import { checkIntrospection } from './check-introspection.ts'
import { checkIssuerName } from './check-issuer-name.ts'
import { checkDiscovery, checkJwksUri } from './check-key-urls.ts'
import { checkKeys } from './check-keys.ts'
import { each, isString, matching, number, oneOf, rule } from './checks.ts'
import { findMemberMistakes, type Mistake, type TableOf } from './option.ts'

/** In seconds. With more, expired tokens would stay valid for long. */
const MAX_TOLERANCE = 300

const name = rule(
  'must be a non-empty string with no blank at its ends',
  value => isString(value) && value === value.trim(),
)
const flag = rule('must be true or false', value => typeof value === 'boolean')
const list = (what: string, isOne: (value: unknown) => boolean) =>
  rule(what, value => Array.isArray(value) && value.length > 0 && value.every(isOne))
const isName = (value: unknown) => name(value, {}).length === 0
const isPath = (value: unknown) =>
  isName(value) || (Array.isArray(value) && value.length > 0 && value.every(isName))
const path = rule(
  'must be the name of a claim, or a list of names that leads to a nested one, as in ["realm_access","roles"]',
  isPath,
)

// A tenant of Microsoft Entra is a GUID or a domain. It becomes a part of URLs.
const TENANT_ID = /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/
const ENTRY_NAME = /^[A-Za-z0-9][A-Za-z0-9._:/ -]{0,63}$/
// RFC 9110 5.1 allows more. These have a meaning of their own, so a token in one of them would never be read.
const TOKEN_HEADER =
  /^(?!(?:authorization|cookie|dpop|host|origin|range|user-agent|mediaward-.*)$)[A-Za-z][A-Za-z0-9_-]{0,99}$/i
// RFC 6265 4.1.1. The gate's own cookie holds tickets.
const COOKIE_NAME = /^(?!__Secure-mediaward-)[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/

const ALGORITHMS_WANTED = `must list at least one of ${ALGORITHMS.join(', ')}`

/** The members of an issuer's entry. */
const MEMBERS: TableOf<Issuer> = {
  issuer: { required: true, check: checkName },
  name: {
    check: matching('must be 1 to 64 of letters, digits, spaces and "._:/-", as in "staff"', ENTRY_NAME),
  },
  tenants: {
    check: list(
      'must list at least one tenant, as its id is written in "iss"',
      value => typeof value === 'string' && TENANT_ID.test(value),
    ),
  },
  audience: {
    check: rule(
      'must name at least one "aud", with no blank at its ends, or tokens for any other app would be accepted',
      value => isName(value) || (Array.isArray(value) && value.length > 0 && value.every(isName)),
    ),
  },
  clients: { check: list('must list at least one client id, with no blank at its ends', isName) },
  required_claims: { check: checkRequired },
  algorithms: { check: checkAlgorithms },
  jwks_uri: { check: checkJwksUri },
  discovery: { check: checkDiscovery },
  jwks: { check: checkKeys },
  allow_http_keys: { check: flag },
  introspection: { check: checkIntrospection },
  subject_claim: { check: path },
  owns: { check: flag },
  fhir_base: {
    check: rule(
      'must be an https URL without user, password, query or fragment, as in "https://ehr.clinic.example/fhir"',
      value => plainUrl(value)?.protocol === 'https:' && !/[?#]/.test(value as string),
    ),
  },
  allow_actor: { check: flag },
  allow_unbound: { check: flag },
  dpop: { check: checkDpop },
  roles_claim: { check: checkRolesClaim },
  roles_separator: { check: rule('must be a space or ","', value => value === ' ' || value === ',') },
  roles: { check: checkRoles },
  allowed_roles: { check: each(oneOf(...ROLES)) },
  tenant_claim: { check: path },
  allow_all_tenants: { excludes: 'tenant_claim', check: flag },
  session_claim: { check: path },
  release_claim: { check: path },
  clock_tolerance_s: { check: number('a number of seconds', 0, MAX_TOLERANCE) },
  max_age_s: { check: number('a number of seconds', 0, Number.MAX_SAFE_INTEGER) },
  header: {
    check: matching(
      'must be the name of a header that a proxy sets, as in "Cf-Access-Jwt-Assertion"; Authorization always counts',
      TOKEN_HEADER,
    ),
  },
  cookie: {
    check: matching('must be the name of a cookie that a proxy sets, as in "CF_Authorization"', COOKIE_NAME),
  },
}

const checkEach = each(checkIssuer)

/** Finds the mistakes in issuers that may come from JSON, so their types are not known. */
export function checkIssuers(issuers: unknown, options: object): readonly Mistake[] {
  if (!Array.isArray(issuers) || issuers.length === 0) return [['', 'must be a list of at least one issuer']]
  const mistakes = checkEach(issuers, options)
  return mistakes.length > 0 ? mistakes : checkEntries(issuers as readonly Issuer[])
}

function checkIssuer(issuer: unknown, options: { readonly publicUrl?: unknown }): readonly Mistake[] {
  if (typeof issuer !== 'object' || issuer === null) return [['', 'must be an object']]
  const { jwks, jwks_uri, discovery, algorithms, introspection, audience, clients, dpop } =
    issuer as Partial<Issuer>
  const mistakes = [...findMemberMistakes(MEMBERS, issuer)]
  const places = Object.entries({ jwks_uri, discovery: discovery || undefined, jwks })
    .filter(([, value]) => value !== undefined)
    .map(([member]) => member)
  // Signed tokens take both. An issuer whose tokens are all opaque has neither.
  if (algorithms === undefined && (places.length > 0 || introspection === undefined)) {
    mistakes.push(['.algorithms', `is missing: it ${ALGORITHMS_WANTED}`])
  }
  if (audience === undefined && clients === undefined) {
    mistakes.push([
      '',
      'must have audience (the "aud" of its tokens) or, if they have none, clients, or tokens for any other app would be accepted',
    ])
  }
  if (places.length === 0 && (algorithms !== undefined || introspection === undefined)) {
    mistakes.push(['', 'must have jwks_uri, discovery or jwks'])
  }
  if (places.length > 1) mistakes.push(['', `has ${places.join(' and ')}: take all but one of them away`])
  // A proof names the URL that clients know. From `Host` a caller could make any URL that a stolen proof names.
  if (dpop !== undefined && options.publicUrl === undefined) {
    const of = JSON.stringify(nameOf(issuer as Issuer))
    mistakes.push(['.dpop', `of ${of} needs PUBLIC_URL (publicUrl), as a proof names the URL of its request`])
  }
  return mistakes
}

function checkName(issuer: unknown, { tenants }: { readonly tenants?: unknown }): readonly Mistake[] {
  const mistakes = name(issuer, {})
  return mistakes.length > 0 ? mistakes : checkIssuerName(issuer as string, tenants)
}

function checkDpop(dpop: unknown, issuer: { readonly allow_unbound?: unknown }): readonly Mistake[] {
  return issuer.allow_unbound === true
    ? [['', 'and allow_unbound exclude each other: take one of them away']]
    : oneOf('accepted', 'required')(dpop, issuer)
}

function checkRolesClaim(claim: unknown, { roles }: { readonly roles?: unknown }): readonly Mistake[] {
  if (!Array.isArray(claim) || claim.length > 0) return path(claim, {})
  return roles === undefined ? [['', 'is the token itself: say in roles which of its claims are roles']] : []
}

function checkRoles(roles: unknown): readonly Mistake[] {
  const shape = 'must say what the issuer calls the gate\'s roles, as in {"recorder":["recordings/recorder"]}'
  if (typeof roles !== 'object' || roles === null || Array.isArray(roles)) return [['', shape]]
  return Object.entries(roles).flatMap(([role, names]: readonly [string, unknown]): Mistake[] => {
    if (!ROLES.some(known => known === role))
      return [[`.${role}`, `is not a role of the gate: it may be ${ROLES.join(', ')}`]]
    return Array.isArray(names) && names.length > 0 && names.every(isName)
      ? []
      : [[`.${role}`, 'must list at least one name of a role, as the issuer writes it']]
  })
}

function checkRequired(claims: unknown): readonly Mistake[] {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims))
    return [['', 'must be an object of claims and their values, as in {"acr":"2"}']]
  const isValue = (value: unknown) => ['number', 'boolean'].includes(typeof value) || isName(value)
  return Object.entries(claims).flatMap(([claim, value]: readonly [string, unknown]): Mistake[] =>
    isValue(value) || (Array.isArray(value) && value.length > 0 && value.every(isValue))
      ? []
      : [[`.${claim}`, 'must be a string, a number, true or false, or a list of at least one of them']],
  )
}

function checkAlgorithms(algorithms: unknown): Mistake[] {
  const known: readonly unknown[] = ALGORITHMS
  if (typeof algorithms === 'string') return [['', `${ALGORITHMS_WANTED}: put "[" and "]" around it`]]
  if (!Array.isArray(algorithms) || algorithms.length === 0) return [['', ALGORITHMS_WANTED]]
  const unknown: unknown = algorithms.find(one => !known.includes(one))
  return unknown === undefined
    ? []
    : [['', `${ALGORITHMS_WANTED}: ${JSON.stringify(unknown)} is not one${whyNot(unknown)}`]]
}

function whyNot(algorithm: unknown): string {
  if (typeof algorithm !== 'string') return ''
  if (/^hs\d/i.test(algorithm)) {
    return ', as a shared secret that verifies tokens can also sign them: have the provider sign with a private key'
  }
  const meant = ALGORITHMS.find(one => one.toLowerCase() === algorithm.toLowerCase())
  return meant === undefined ? '' : `: write ${meant}`
}
