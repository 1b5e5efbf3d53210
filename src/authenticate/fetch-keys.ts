import type { JSONWebKeySet, JWK } from 'jose'
import { readUpTo } from '../base/bytes.ts'

/** How keys are fetched. */
export interface FetchKeysOptions {
  /** The longest that a fetch may take, body included, in milliseconds. */
  readonly timeout: number
  /** The largest response that is read, in bytes. */
  readonly maxBytes: number
  readonly fetch: typeof globalThis.fetch
}

/**
 * Fetches a JWK set (RFC 7517 5) and keeps the keys that can verify signatures.
 *
 * @throws Error if the response isn't a set with at least one such key. Its message contains no secret
 */
export async function fetchKeys(
  uri: string,
  { fetch, timeout, maxBytes }: FetchKeysOptions,
): Promise<JSONWebKeySet> {
  const response = await fetch(uri, {
    headers: { Accept: 'application/jwk-set+json, application/json' },
    // A redirect could lead anywhere. The configuration names the only place that is trusted.
    redirect: 'manual',
    signal: AbortSignal.timeout(timeout),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`status ${response.status}`)
  }
  // Bounded, so that a server can't fill the memory of the gate.
  const bytes = await readUpTo(maxBytes, response.body ?? new Blob([]).stream())
  if (bytes.length > maxBytes) throw new Error(`over ${maxBytes} bytes`)
  const set: unknown = JSON.parse(new TextDecoder().decode(bytes))
  const keys = signatureKeys(set)
  // A response without a key is a mistake of the server. Good keys must not be dropped because of it.
  if (keys.length === 0) throw new Error('no JWK set with a key for signatures (RFC 7517 5)')
  return { keys }
}

/** Ignores keys of unknown types, as RFC 7517 5 says, and symmetric ones: a published secret protects nothing. */
function signatureKeys(set: unknown): JWK[] {
  const keys: unknown = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined
  return Array.isArray(keys) ? keys.filter(isSignatureKey) : []
}

function isSignatureKey(key: unknown): key is JWK {
  if (typeof key !== 'object' || key === null) return false
  const { kty, kid, use } = key as Readonly<Record<string, unknown>>
  const isAsymmetric = kty === 'RSA' || kty === 'EC' || kty === 'OKP'
  return (
    isAsymmetric && (kid === undefined || typeof kid === 'string') && (use === undefined || use === 'sig')
  )
}
