import { withoutQuery } from '../../base/operator.ts'
import { withTimeout } from '../../base/timeout.ts'
import type { KeyFunction } from '../issuer.ts'
import { fetchJson, type KeyHttp } from './fetch-keys.ts'
import { describeError, KeyFault } from './key-fault.ts'
import { describeUnused, type KeySet, usableKeys } from './usable-keys.ts'

/** How a load of keys is bounded. */
export interface LoadLimits {
  /** Ends every fetch of the load. */
  readonly signal: AbortSignal
  /** The longest that the load may take, in milliseconds. */
  readonly timeout: number
}

/**
 * Loads an issuer's keys once, from wherever they are.
 *
 * @throws KeyFault if there is no key that verifies signatures
 */
export type LoadKeys = (limits: LoadLimits) => Promise<KeySet>

/** Creates a loader of keys from a `jwks_uri`. */
export function createUriLoader(uri: string, http: KeyHttp): LoadKeys {
  return ({ signal }) => fetchKeySet(uri, http, signal)
}

const FUNCTION_FIX = 'let it resolve to a JWK set with usable keys, within five seconds'

/** Creates a loader of keys from a function of the integrator's. */
export function createFunctionLoader(compute: KeyFunction): LoadKeys {
  const place = 'the function jwks'
  return async ({ timeout }) => {
    const computed = await withTimeout(timeout, Promise.resolve().then(compute)).catch((error: unknown) => {
      throw new KeyFault(`${place} failed (${describeError(error)})`, false, FUNCTION_FIX)
    })
    return requireKeys(place, computed, FUNCTION_FIX)
  }
}

/** Fetches a JWK set (RFC 7517 5). */
export async function fetchKeySet(uri: string, http: KeyHttp, signal: AbortSignal): Promise<KeySet> {
  return requireKeys(withoutQuery(uri), await fetchJson(uri, http, signal))
}

/** A set without a usable key is a mistake of the server. Good keys must not be dropped because of it. */
function requireKeys(place: string, document: unknown, fix?: string): KeySet {
  const set = usableKeys(document)
  if (set.keys.length === 0) throw new KeyFault(`${place} ${describeEmpty(document, set)}`, false, fix)
  return set
}

/** Says what a document is that has no usable key, and what is commonly meant instead. */
function describeEmpty(document: unknown, set: KeySet): string {
  const unused = describeUnused(set)
  if (unused !== '') return `has no key for signatures: ${unused}`
  if (Array.isArray(document)) return 'is a list, not a JWK set, which has the list in its member "keys"'
  if (typeof document !== 'object' || document === null) return 'is not a JWK set (RFC 7517 5)'
  if ('keys' in document) return 'has no keys: an issuer that signs with a shared secret publishes none'
  if ('jwks_uri' in document) {
    return 'is a discovery document, not a key set: set "discovery": true, or the jwks_uri that is in it'
  }
  if ('kty' in document)
    return 'is a single key, not a JWK set, which has a list of keys in its member "keys"'
  if (Object.values(document).some(value => typeof value === 'string' && value.startsWith('-----BEGIN '))) {
    return 'is a map of certificates or PEM keys, not a JWK set: the issuer may have another URL for that'
  }
  return 'is not a JWK set (RFC 7517 5)'
}
