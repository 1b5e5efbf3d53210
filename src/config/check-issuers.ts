import type { JWK } from 'jose'
import { ALGORITHMS, type Issuer } from '../authenticate/issuer.ts'
import { ROLES } from '../authorize/rules/role.ts'
import { each, isSecure, isString, number, oneOf, plainUrl, rule } from './checks.ts'
import { findMistakes, type Mistake, type TableOf } from './option.ts'

/** In seconds. With more, expired tokens would stay valid for long. */
const MAX_TOLERANCE = 300

const name = rule('must be a non-empty string', isString)
const flag = rule('must be true or false', value => typeof value === 'boolean')

/** The members of an issuer's entry. */
const MEMBERS: TableOf<Issuer> = {
  issuer: { required: true, check: name },
  audience: {
    required: true,
    check: rule(
      'must name at least one "aud", or tokens for any other app would be accepted',
      value => isString(value) || (Array.isArray(value) && value.length > 0 && value.every(isString)),
    ),
  },
  algorithms: { required: true, check: checkAlgorithms },
  jwks_uri: {
    excludes: 'jwks',
    check: rule('must be an https URL without user or password', value => isSecure(plainUrl(value))),
  },
  jwks: { check: checkKeys },
  subject_claim: { check: name },
  fhir_base: {
    check: rule(
      'must be an https URL without user, password, query or fragment, as in "https://ehr.clinic.example/fhir"',
      value => plainUrl(value)?.protocol === 'https:' && !/[?#]/.test(value as string),
    ),
  },
  allow_actor: { check: flag },
  allow_unbound: { check: flag },
  roles_claim: { check: name },
  allowed_roles: { check: each(oneOf(...ROLES)) },
  tenant_claim: { check: name },
  allow_all_tenants: { excludes: 'tenant_claim', check: flag },
  session_claim: { check: name },
  release_claim: { check: name },
  clock_tolerance_s: { check: number('a number of seconds', 0, MAX_TOLERANCE) },
  max_age_s: { check: number('a number of seconds', 0, Number.MAX_SAFE_INTEGER) },
}

const checkEach = each(checkIssuer)

/** Finds the mistakes in issuers that may come from JSON, so their types are not known. */
export function checkIssuers(issuers: unknown, options: object): readonly Mistake[] {
  if (!Array.isArray(issuers) || issuers.length === 0) return [['', 'must be a list of at least one issuer']]
  const names: readonly unknown[] = issuers.map(issuer => (issuer as Partial<Issuer> | null)?.issuer)
  const repeated = names.flatMap((name, index): Mistake[] =>
    names.indexOf(name) === index
      ? []
      : [[`[${index}].issuer`, `${JSON.stringify(name)} is there twice: give its audiences as one list`]],
  )
  return [...checkEach(issuers, options), ...repeated]
}

function checkIssuer(issuer: unknown): readonly Mistake[] {
  if (typeof issuer !== 'object' || issuer === null) return [['', 'must be an object']]
  const { jwks, jwks_uri } = issuer as Partial<Issuer>
  const mistakes = Object.keys(issuer)
    .filter(member => !Object.hasOwn(MEMBERS, member))
    .map((member): Mistake => [`.${member}`, `is unknown: it may be ${Object.keys(MEMBERS).join(', ')}`])
  for (const [member, at, what] of findMistakes(MEMBERS, issuer)) mistakes.push([`.${member}${at}`, what])
  if (jwks === undefined && jwks_uri === undefined) mistakes.push(['', 'must have jwks_uri or jwks'])
  return mistakes
}

function checkAlgorithms(algorithms: unknown): Mistake[] {
  const known: readonly unknown[] = ALGORITHMS
  const what = `must list at least one of ${ALGORITHMS.join(', ')}`
  if (!Array.isArray(algorithms) || algorithms.length === 0) return [['', what]]
  const unknown: unknown = algorithms.find(one => !known.includes(one))
  return unknown === undefined ? [] : [['', `${what}: ${JSON.stringify(unknown)} is not one`]]
}

function checkKeys(jwks: unknown, { algorithms }: { readonly algorithms?: unknown }): Mistake[] {
  const keys: unknown = (jwks as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys) || keys.length === 0) {
    return [['', 'must be a JWK set with at least one key (RFC 7517 5)']]
  }
  const list: readonly unknown[] = keys
  const secret = list.findIndex(
    key => typeof key !== 'object' || key === null || PRIVATE_MEMBERS.some(member => member in key),
  )
  if (secret >= 0) {
    return [[`.keys[${secret}]`, 'must be a public key: take private and symmetric keys out at once']]
  }
  const named: readonly unknown[] = Array.isArray(algorithms) ? algorithms : []
  if (list.some(key => named.some(algorithm => fits(key as JWK, algorithm)))) return []
  return [['', 'holds no key for any of its algorithms: check "kty", "crv" and "alg" of the keys']]
}

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k']

/** Whether a key can be meant for an algorithm (RFC 7518 3.1, RFC 8037). */
function fits({ kty, crv, alg }: JWK, algorithm: unknown): boolean {
  if (typeof algorithm !== 'string' || (alg !== undefined && alg !== algorithm)) return false
  const curve = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521', EdDSA: 'Ed25519', Ed25519: 'Ed25519' }[
    algorithm
  ]
  return curve === undefined
    ? kty === 'RSA'
    : crv === curve && kty === (algorithm.startsWith('ES') ? 'EC' : 'OKP')
}
