import { hexOf } from '../base/bytes.ts'

/** What a pseudonym stands for. The same value has another pseudonym in every field. */
export type Field = 'subject' | 'session' | 'token' | 'ip'

/** Creates the keyed pseudonym of a value in a field, within the name space of an issuer. */
export type Pseudonym = (field: Field, scope: string, value: string) => Promise<string>

/** Returns whether a string has the form of a pseudonym. */
export const isPseudonym = (value: string): boolean => /^psn_[0-9a-f]{32}$/.test(value)

/** Fewest characters of a key. A shorter one could be guessed. */
export const MIN_KEY_LENGTH = 32

/**
 * Creates a function that creates pseudonyms: HMAC-SHA-256 under a secret, cut to 128 bits. Without the secret a reader of
 * the log can't get from a pseudonym to a person, not even by trying all patient numbers.
 *
 * @param key the secret, at least {@link MIN_KEY_LENGTH} characters. With another key the same person has other
 *   pseudonyms, so older records can't be joined with newer ones
 */
export function createPseudonymizer(key: string): Pseudonym {
  const encoder = new TextEncoder()
  // Not imported right away: Workers allow no cryptography before the first request.
  let imported: ReturnType<typeof crypto.subtle.importKey> | undefined
  return async (field, scope, value) => {
    imported ??= crypto.subtle.importKey(
      'raw',
      encoder.encode(key),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['sign'],
    )
    // JSON, so that no two choices of scope and value give the same bytes.
    const message = encoder.encode(JSON.stringify([field, scope, value]))
    const mac = new Uint8Array(await crypto.subtle.sign('HMAC', await imported, message), 0, 16)
    return `psn_${hexOf(mac)}`
  }
}
