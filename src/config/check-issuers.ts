import { ALGORITHMS, type Issuer } from '../authenticate/issuer.ts'
import { ROLES } from '../authorize/rules/role.ts'
import { isObject } from '../base/json.ts'
import { plainUrl } from '../base/url.ts'
import { checkEntries } from './check-entries.ts'
import { checkIntrospection } from './check-introspection.ts'
import { checkIssuerName } from './check-issuer-name.ts'
import { checkDiscovery, checkJwksUri } from './check-key-urls.ts'
import { checkKeys } from './check-keys.ts'
import { each, isListOf, isString, matching, number, oneOf, rule } from './checks.ts'
import { type Check, type Found, findMemberMistakes, listed, type MembersOf, type Mistake } from './option.ts'

/** In seconds. With more, expired tokens would stay valid for long. */
const MAX_TOLERANCE = 300

const isName = (value: unknown): value is string => isString(value) && value === value.trim()
const isNames = (value: unknown) => isListOf(value, isName)
const flag = oneOf(true, false)
const path = rule(
  'must be the name of a claim, or a list that leads to a nested one, as in ["realm_access","roles"]',
  value => isName(value) || isNames(value),
)
const seconds = (most: number) => number('a number of seconds', 0, most)

/** Accepts an object if `mistakeIn` finds nothing in each of its members. */
const membersOf =
  (shape: string, mistakeIn: (name: string, value: unknown) => string | undefined): Check =>
  value =>
    isObject(value)
      ? Object.entries(value).flatMap(([name, one]) => {
          const what = mistakeIn(name, one)
          return what === undefined ? [] : [[`.${name}`, what] as const]
        })
      : shape

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
const MEMBERS: MembersOf<Issuer> = {
  issuer: { required: true, check: checkName },
  name: matching('must be 1 to 64 of letters, digits, spaces and "._:/-", as in "staff"', ENTRY_NAME),
  tenants: rule('must list at least one tenant, as its id is written in "iss"', value =>
    isListOf(value, one => typeof one === 'string' && TENANT_ID.test(one)),
  ),
  audience: rule(
    'must name at least one "aud", with no blank at its ends',
    value => isName(value) || isNames(value),
  ),
  clients: rule('must list at least one client id, with no blank at its ends', isNames),
  required_claims: membersOf('must be an object of claims and their values, as in {"acr":"2"}', (_, value) =>
    isValue(value) || isListOf(value, isValue)
      ? undefined
      : 'must be a string, a number, true or false, or a list of those',
  ),
  algorithms: checkAlgorithms,
  jwks_uri: checkJwksUri,
  discovery: checkDiscovery,
  jwks: checkKeys,
  allow_http_keys: flag,
  introspection: { excludes: 'tenants', check: checkIntrospection },
  subject_claim: path,
  owns: flag,
  fhir_base: rule(
    'must be an https URL without user, password, query or fragment, as in "https://ehr.clinic.example/fhir"',
    value => plainUrl(value)?.protocol === 'https:' && !/[?#]/.test(value as string),
  ),
  allow_actor: flag,
  allow_unbound: { excludes: 'dpop', check: flag },
  dpop: oneOf('accepted', 'required'),
  roles_claim: checkRolesClaim,
  roles_separator: rule('must be a space or ","', value => value === ' ' || value === ','),
  roles: membersOf(
    'must say what the issuer calls roles, as in {"recorder":["recordings/recorder"]}',
    (role, names) =>
      !ROLES.some(known => known === role)
        ? `is not a role of the gate: it may be ${ROLES.join(', ')}`
        : isNames(names)
          ? undefined
          : 'must list at least one name, as the issuer writes it',
  ),
  allowed_roles: each(oneOf(...ROLES)),
  tenant_claim: path,
  allow_all_tenants: { excludes: 'tenant_claim', check: flag },
  session_claim: path,
  release_claim: path,
  clock_tolerance_s: seconds(MAX_TOLERANCE),
  max_age_s: seconds(Number.MAX_SAFE_INTEGER),
  header: matching(
    'must be the name of a header that a proxy sets, as in "Cf-Access-Jwt-Assertion"; Authorization always counts',
    TOKEN_HEADER,
  ),
  cookie: matching('must be the name of a cookie that a proxy sets, as in "CF_Authorization"', COOKIE_NAME),
}

const checkEach = each(checkIssuer, checkEntries)

/** Finds the mistakes in issuers that may come from JSON, so their types are not known. */
export function checkIssuers(issuers: unknown, options: object): readonly Mistake[] {
  return listed(isListOf(issuers) ? checkEach(issuers, options) : 'must be a list of at least one issuer')
}

function checkIssuer(issuer: unknown, options: { readonly publicUrl?: unknown }): Found {
  if (!isObject(issuer)) return 'must be an object'
  const { jwks, jwks_uri, discovery, algorithms, introspection, audience, clients, dpop } = issuer
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
    const of = JSON.stringify(issuer.name ?? issuer.issuer)
    mistakes.push(['.dpop', `of ${of} needs PUBLIC_URL (publicUrl), as a proof names the URL of its request`])
  }
  return mistakes
}

function checkName(issuer: unknown, { tenants }: { readonly tenants?: unknown }): string | undefined {
  return isName(issuer)
    ? checkIssuerName(issuer, tenants)
    : 'must be a non-empty string with no blank at its ends'
}

function checkRolesClaim(claim: unknown, issuer: { readonly roles?: unknown }): Found {
  if (!Array.isArray(claim) || claim.length > 0) return path(claim, issuer)
  return issuer.roles === undefined
    ? 'is the token itself: say in roles which of its claims are roles'
    : undefined
}

function isValue(value: unknown): boolean {
  return ['number', 'boolean'].includes(typeof value) || isName(value)
}

function checkAlgorithms(algorithms: unknown): string | undefined {
  const known: readonly unknown[] = ALGORITHMS
  if (typeof algorithms === 'string') return `${ALGORITHMS_WANTED}: put "[" and "]" around it`
  if (!isListOf(algorithms)) return ALGORITHMS_WANTED
  const unknown = algorithms.find(one => !known.includes(one))
  return unknown === undefined
    ? undefined
    : `${ALGORITHMS_WANTED}: ${JSON.stringify(unknown)} is not one${whyNot(unknown)}`
}

function whyNot(algorithm: unknown): string {
  if (typeof algorithm !== 'string') return ''
  if (/^hs\d/i.test(algorithm)) {
    return ', as a shared secret that verifies tokens can also sign them: have the provider sign with a private key'
  }
  const meant = ALGORITHMS.find(one => one.toLowerCase() === algorithm.toLowerCase())
  return meant === undefined ? '' : `: write ${meant}`
}
