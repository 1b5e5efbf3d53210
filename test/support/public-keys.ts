import { type KeySet, usableKeys } from '../../src/authenticate/keys/usable-keys.ts'

/** A public key that has the form of one. No signature is by it. */
export const publicKey = (kid?: string): Record<string, string> => ({
  kty: 'EC',
  crv: 'P-256',
  x: 'A'.repeat(43),
  y: 'A'.repeat(43),
  ...(kid !== undefined && { kid }),
})

/** A set of such keys, as a key source returns it. */
export const keySet = (...kids: string[]): KeySet => usableKeys({ keys: kids.map(kid => publicKey(kid)) })
