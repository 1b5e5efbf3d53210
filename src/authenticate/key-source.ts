import type { JSONWebKeySet } from 'jose'
import type { WaitUntil } from '../base/timeout.ts'

/**
 * Port: the public keys of an issuer. An adapter
 * - returns the same object until the keys change, because imported keys are cached by it,
 * - starts no more than a bounded number of fetches, whatever tokens a caller sends,
 * - rejects with a `Fault` `keys_unavailable` if it has no keys that may be used.
 */
export interface KeySource {
  /** Returns the keys in force at `now` (milliseconds since 1970). */
  current(now: number, waitUntil: WaitUntil): Promise<JSONWebKeySet>
  /** Fetches the keys again because `kid` is not among them, unless it is too early to; returns the keys in force. */
  seeking(kid: string, now: number, waitUntil: WaitUntil): Promise<JSONWebKeySet>
}

/** Creates a source of keys that are part of the configuration. */
export function createInlineKeys(jwks: JSONWebKeySet): KeySource {
  return { current: async () => jwks, seeking: async () => jwks }
}
