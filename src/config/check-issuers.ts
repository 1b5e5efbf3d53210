import type { JWK } from 'jose'
import { ALGORITHMS, type Issuer } from '../authenticate/issuer.ts'
import { ROLES } from '../authorize/rules/role.ts'

const MEMBERS: Readonly<Record<keyof Issuer, 'text' | 'texts' | 'seconds' | 'flag' | 'other'>> = {
  issuer: 'text',
  audience: 'texts',
  algorithms: 'texts',
  jwks_uri: 'text',
  jwks: 'other',
  subject_claim: 'text',
  fhir_base: 'other',
  allow_actor: 'flag',
  allow_unbound: 'flag',
  roles_claim: 'text',
  allowed_roles: 'other',
  tenant_claim: 'text',
  allow_all_tenants: 'flag',
  session_claim: 'text',
  release_claim: 'text',
  clock_tolerance_s: 'seconds',
  max_age_s: 'seconds',
}

/**
 * Checks issuers that may come from JSON, so nothing about their types is taken for granted.
 *
 * @returns what is wrong with them and how to mend it; nothing where they can be trusted
 */
export function checkIssuers(issuers: unknown): string[] {
  if (!Array.isArray(issuers) || issuers.length === 0) {
    return [
      'ISSUERS (issuers) must be a list of at least one issuer, each with issuer, audience, algorithms, and jwks_uri or jwks',
    ]
  }
  const mistakes = issuers.flatMap((issuer: unknown, index) => {
    if (typeof issuer !== 'object' || issuer === null) return [`ISSUERS[${index}] must be an object`]
    return checkIssuer(issuer as Readonly<Record<string, unknown>>).map(
      mistake => `ISSUERS[${index}].${mistake}`,
    )
  })
  const names = issuers.map(issuer => (issuer as Partial<Issuer> | null)?.issuer)
  for (const [index, name] of names.entries()) {
    if (names.indexOf(name) < index) {
      mistakes.push(
        `ISSUERS[${index}].issuer ${JSON.stringify(name)} is there twice: give its audiences as one list`,
      )
    }
  }
  return mistakes
}

function checkIssuer(issuer: Readonly<Record<string, unknown>>): string[] {
  const mistakes: string[] = []
  for (const [member, value] of Object.entries(issuer)) {
    const kind = Object.hasOwn(MEMBERS, member) ? MEMBERS[member as keyof Issuer] : undefined
    if (kind === undefined)
      mistakes.push(`${member} is unknown: it may have ${Object.keys(MEMBERS).join(', ')}`)
    if (kind === 'text' && !isText(value)) mistakes.push(`${member} must be a text that isn't empty`)
    if (kind === 'flag' && typeof value !== 'boolean') mistakes.push(`${member} must be true or false`)
    if (kind === 'seconds' && !(typeof value === 'number' && value >= 0 && Number.isFinite(value))) {
      mistakes.push(`${member} must be a number of seconds, 0 or more`)
    }
  }
  if (issuer.issuer === undefined) mistakes.push('issuer is missing: the "iss" of its tokens, to the letter')
  const audiences = Array.isArray(issuer.audience) ? issuer.audience : [issuer.audience]
  if (audiences.length === 0 || !audiences.every(isText)) {
    mistakes.push(
      'audience must name at least one "aud": without it, tokens for any other app would be taken',
    )
  }
  mistakes.push(...checkAlgorithms(issuer.algorithms), ...checkKeys(issuer))
  const { allowed_roles: allowed, tenant_claim, allow_all_tenants } = issuer
  const known: readonly unknown[] = ROLES
  if (allowed !== undefined && !(Array.isArray(allowed) && allowed.every(role => known.includes(role)))) {
    mistakes.push(`allowed_roles must be a list, empty or with some of ${ROLES.join(', ')}`)
  }
  if (allow_all_tenants === true && tenant_claim !== undefined) {
    mistakes.push(
      'allow_all_tenants has no effect beside tenant_claim, which gives each of its tokens one tenant: take one of them away',
    )
  }
  if (issuer.fhir_base !== undefined && !isFhirBase(issuer.fhir_base)) {
    mistakes.push(
      'fhir_base must be an https URL without user, query or fragment, as in "https://ehr.clinic.example/fhir"',
    )
  }
  if (typeof issuer.clock_tolerance_s === 'number' && issuer.clock_tolerance_s > 300) {
    mistakes.push('clock_tolerance_s must be at most 300: longer, and expired tokens live on')
  }
  return mistakes
}

function checkAlgorithms(algorithms: unknown): string[] {
  const known: readonly unknown[] = ALGORITHMS
  const bad =
    Array.isArray(algorithms) && algorithms.length > 0
      ? algorithms.find(one => !known.includes(one))
      : algorithms
  if (Array.isArray(algorithms) && algorithms.length > 0 && bad === undefined) return []
  const what = Array.isArray(algorithms) && algorithms.length > 0 ? `: ${JSON.stringify(bad)} is none` : ''
  return [`algorithms must list at least one of ${ALGORITHMS.join(', ')}${what}`]
}

function checkKeys({ jwks, jwks_uri, algorithms }: Readonly<Record<string, unknown>>): string[] {
  if ((jwks === undefined) === (jwks_uri === undefined))
    return ['jwks_uri or jwks must be there, one of them']
  if (typeof jwks_uri === 'string' && !isKeyServer(jwks_uri)) {
    return [
      'jwks_uri must be an https URL without user or password: keys that came over plain http could be anybody’s',
    ]
  }
  if (jwks === undefined) return []
  const keys: unknown = (jwks as { keys?: unknown } | null)?.keys
  if (!Array.isArray(keys) || keys.length === 0)
    return ['jwks must be a JWK set with at least one key (RFC 7517 5)']
  const list: readonly unknown[] = keys
  const secret = list.findIndex(
    key => typeof key !== 'object' || key === null || PRIVATE_MEMBERS.some(member => member in key),
  )
  if (secret >= 0) {
    return [`jwks.keys[${secret}] must be a public key: take private and symmetric keys out at once`]
  }
  const named: readonly unknown[] = Array.isArray(algorithms) ? algorithms : []
  if (list.some(key => named.some(algorithm => fits(key as JWK, algorithm)))) return []
  return ['jwks holds no key for any of its algorithms: check "kty", "crv" and "alg" of the keys']
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

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

function isFhirBase(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, username, password } = new URL(value)
  return protocol === 'https:' && username === '' && password === '' && !/[?#]/.test(value)
}

/** Plain http is for a server on this very machine, which no deployed worker can reach. */
function isKeyServer(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  const loopback = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
  return username === '' && password === '' && (protocol === 'https:' || (protocol === 'http:' && loopback))
}
