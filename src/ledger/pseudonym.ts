import { hexOf } from '../base/bytes.ts'

/** What a pseudonym stands for. The same value has another pseudonym in every field. */
export type Field = 'subject' | 'session' | 'token' | 'ip'

/** Creates the keyed pseudonym of a value in a field, within the name space of an issuer. */
export type Pseudonym = (field: Field, scope: string, value: string) => Promise<string>

/** Creates all pseudonyms that a value may have in the log: those under each key, in the order of the keys. */
export type Pseudonyms = (field: Field, scope: string, value: string) => Promise<readonly string[]>

/** One key, or several of which the first writes and all read. */
export type PseudonymKeys = string | readonly string[]

/** Returns whether a string has the form of a pseudonym. */
export const isPseudonym = (value: string): boolean => /^psn_[0-9a-f]{32}$/.test(value)

/** Fewest characters of a key. A shorter one could be guessed. */
export const MIN_KEY_LENGTH = 32
/** Most keys at once: as many values of a member may be in one query. */
export const MAX_KEYS = 16

/**
 * Creates a function that creates pseudonyms: HMAC-SHA-256 under a secret, cut to 128 bits. Without the secret a reader of
 * the log can't get from a pseudonym to a person, not even by trying all patient numbers.
 *
 * @param keys secrets of at least {@link MIN_KEY_LENGTH} characters, of which the first counts. With another key the same
 *   person has other pseudonyms, so older records can't be joined with newer ones by them
 */
export function createPseudonymizer(keys: PseudonymKeys): Pseudonym {
  const [key = ''] = [keys].flat()
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

/** Creates a function that creates the pseudonyms of a value under each key, to find what was recorded under any of them. */
export function createPseudonyms(keys: PseudonymKeys): Pseudonyms {
  const all = [keys].flat().map(createPseudonymizer)
  return (...value) => Promise.all(all.map(pseudonym => pseudonym(...value)))
}
