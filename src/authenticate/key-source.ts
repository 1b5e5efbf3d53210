import type { JSONWebKeySet } from 'jose'
import type { WaitUntil } from '../base/wait-until.ts'

/**
 * Port: where an issuer's public keys come from. An adapter
 * - hands out the same object until the keys have changed (prepared keys are remembered by it),
 * - never lets a caller set off more than a bounded number of fetches, whatever tokens it sends,
 * - rejects with {@link KeysUnavailable} where it has no keys that are fit for use.
 */
export interface KeySource {
  /** The keys in force at `now` (milliseconds since 1970). */
  current(now: number, waitUntil: WaitUntil): Promise<JSONWebKeySet>
  /** The keys, asked for anew because `kid` is not among them, if it is time to ask again; else as they are. */
  seeking(kid: string, now: number, waitUntil: WaitUntil): Promise<JSONWebKeySet>
}

/** The keys of an issuer can't be had: a fault of ours or theirs, not of the token. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

/** Keys that stand in the configuration. */
export function createInlineKeys(jwks: JSONWebKeySet): KeySource {
  return { current: async () => jwks, seeking: async () => jwks }
}
