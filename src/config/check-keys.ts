import type { JWK } from 'jose'
import type { Mistake } from './option.ts'

/** Finds the mistakes in a JWK set that is part of the configuration. */
export function checkKeys(jwks: unknown, { algorithms }: { readonly algorithms?: unknown }): Mistake[] {
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
