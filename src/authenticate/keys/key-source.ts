import type { JSONWebKeySet } from 'jose'
import type { WaitUntil } from '../../base/timeout.ts'
import { describeBroken, type KeySet, usableKeys } from './usable-keys.ts'

/**
 * Port: the public keys of an issuer. An adapter
 * - returns the same object until the keys change, because imported keys are cached by it,
 * - starts no more than a bounded number of fetches, whatever tokens a caller sends,
 * - rejects with a `Fault` `keys_unavailable` if it has no keys that may be used.
 */
export interface KeySource {
  /** Returns the keys in force at `now` (milliseconds since 1970). */
  current(now: number, waitUntil: WaitUntil): Promise<KeySet>
  /**
   * Fetches the keys again because a token's signature is by none of them, unless it is too early to. Returns the keys in
   * force. Rejects with the same fault if the keys could not be fetched: those that are not there may be the right ones.
   */
  newer(now: number, waitUntil: WaitUntil): Promise<KeySet>
}

/**
 * Creates a source of keys that are part of the configuration.
 *
 * @param warn called for each key that can't be used
 */
export function createInlineKeys(jwks: JSONWebKeySet, warn: (message: string) => void = () => {}): KeySource {
  const keys = usableKeys(jwks)
  for (const line of describeBroken(keys)) warn(line)
  return { current: async () => keys, newer: async () => keys }
}
