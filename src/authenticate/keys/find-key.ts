import { type CompactVerifyGetKey, createLocalJWKSet, type JSONWebKeySet } from 'jose'
import * as errors from 'jose/errors'

/** Finds the key that verifies a token, as jose asks for it. */
export type FindKey = CompactVerifyGetKey

/**
 * Creates a finder of keys in a set. If no key has the id that a token names, one without an id may be meant: a key need
 * not have one (RFC 7517 4.5). jose imports a key when it is first found, and keeps it with the finder.
 */
export function createKeyFinder({ keys }: JSONWebKeySet): FindKey {
  const find = createLocalJWKSet({ keys })
  const unnamed = keys.filter(({ kid }) => kid === undefined)
  if (unnamed.length === 0) return find
  const findUnnamed = createLocalJWKSet({ keys: unnamed })
  return async (header, input) => {
    try {
      return await find(header, input)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      const { kid: _, ...others } = header
      return findUnnamed(others, input)
    }
  }
}
