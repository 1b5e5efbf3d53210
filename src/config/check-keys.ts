import type { JWK } from 'jose'
import { describeUnused, PRIVATE_MEMBERS, usableKeys } from '../authenticate/keys/usable-keys.ts'
import { isObject } from '../base/json.ts'
import { isListOf } from './checks.ts'
import type { Found } from './option.ts'

/** Finds the mistakes in a JWK set that is part of the configuration. */
export function checkKeys(jwks: unknown, { algorithms }: { readonly algorithms?: unknown }): Found {
  // What a function returns isn't known before it is called.
  if (typeof jwks === 'function') return undefined
  const published: unknown = (jwks as { keys?: unknown } | null)?.keys
  if (!isListOf(published)) return 'must be a JWK set with at least one key (RFC 7517 5)'
  const secret = published.findIndex(key => !isObject(key) || PRIVATE_MEMBERS.some(member => member in key))
  if (secret >= 0) {
    return [[`.keys[${secret}]`, 'must be a public key: take private and symmetric keys out at once']]
  }
  const set = usableKeys(jwks)
  if (set.keys.length === 0) return `must hold a key that can be used: ${describeUnused(set)}`
  const named: readonly unknown[] = Array.isArray(algorithms) ? algorithms : []
  return set.keys.some(key => named.some(algorithm => fits(key, algorithm)))
    ? undefined
    : 'holds no key for any of its algorithms: check "kty", "crv" and "alg" of the keys'
}

/** The type and the curve of the keys of each algorithm. All other keys are RSA. */
const TYPES: Readonly<Record<string, string>> = {
  ES256: 'EC P-256',
  ES384: 'EC P-384',
  ES512: 'EC P-521',
  EdDSA: 'OKP Ed25519',
  Ed25519: 'OKP Ed25519',
}

/** Whether a key can be meant for an algorithm (RFC 7518 3.1, RFC 8037). */
function fits({ kty, crv, alg }: JWK, algorithm: unknown): boolean {
  if (typeof algorithm !== 'string' || (alg !== undefined && alg !== algorithm)) return false
  const type = TYPES[algorithm]
  return type === undefined ? kty === 'RSA' : type === `${kty} ${crv}`
}
