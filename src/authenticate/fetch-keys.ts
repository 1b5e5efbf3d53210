import type { JSONWebKeySet, JWK } from 'jose'

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
  const set: unknown = JSON.parse(await readBounded(response, maxBytes))
  const keys = signatureKeys(set)
  // A response without a key is a mistake of the server. Good keys must not be dropped because of it.
  if (keys.length === 0) throw new Error('no JWK set with a key for signatures (RFC 7517 5)')
  return { keys }
}

/** Reads a body up to a limit, so that a server can't fill the memory of the gate. */
async function readBounded(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let json = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new Error(`over ${maxBytes} bytes`)
    json += decoder.decode(chunk, { stream: true })
  }
  return json
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
