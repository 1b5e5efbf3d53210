import type { JSONWebKeySet, JWK } from 'jose'
import { printable } from '../../base/operator.ts'
import { isPresent } from '../claim-value.ts'
import { numberOf, type PublishedKey, readMaterial, Unfit } from './key-material.ts'

/** A published key that verifies no signature here, and why. Its strings can be printed. */
export interface UnusedKey {
  /** How a message names it: by its id, or else by its position in the set. */
  readonly name: string
  /** Its id as published. */
  readonly kid?: string
  /** The issuer that it says it is for. */
  readonly issuer?: string
  readonly why: string
}

/** The keys of an issuer that verify signatures. */
export interface KeySet extends JSONWebKeySet {
  /** Keys that are meant for signatures and can't be used: mistakes of the issuer, which the operator should know of. */
  readonly broken: readonly UnusedKey[]
  /** Keys that are meant for something else, as many sets have (RFC 7517 5). */
  readonly ignored: readonly UnusedKey[]
}

/** Members of a key that is private or symmetric (RFC 7518 6, RFC 8037 2). */
export const PRIVATE_MEMBERS: readonly string[] = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/**
 * Reads a JWK set (RFC 7517 5) that was fetched, computed or configured. Keeps the keys that verify signatures, in one
 * spelling, so that all runtimes import them alike. Never throws: what is not a set has no keys.
 */
export function usableKeys(set: unknown): KeySet {
  const published: unknown = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined
  const list: readonly unknown[] = Array.isArray(published) ? published : []
  // Anyone who reads the set can sign with a private key in it, and so for its public half.
  const leaked = new Set(list.filter(isObject).filter(isPrivate).map(materialOf))
  leaked.delete(undefined)
  const keys: JWK[] = []
  const broken: UnusedKey[] = []
  const ignored: UnusedKey[] = []
  for (const [index, key] of list.entries()) {
    if (!isObject(key)) continue
    const isLeaked = isPrivate(key) || leaked.has(materialOf(key))
    const read = isLeaked
      ? new Unfit(
          `its ${key.kty === 'oct' ? 'secret' : 'private part'} is published, so anyone can sign with it`,
        )
      : readKey(key)
    if (!(read instanceof Unfit)) keys.push(read)
    else (read.isOther ? ignored : broken).push({ ...identityOf(key, index), why: read.why })
  }
  return { keys, broken, ignored }
}

/** Describes why a set has no usable key, or returns '' if it has no key at all. */
export function describeUnused({ broken, ignored }: KeySet): string {
  const unused = [...broken, ...ignored]
  return [...unused.slice(0, MAX_DESCRIBED).map(({ name, why }) => `${name}: ${why}`), ...rest(unused)].join(
    '; ',
  )
}

/** Describes the keys that are meant for signatures and can't be used, each in a line. */
export function describeBroken({ broken }: KeySet): readonly string[] {
  const lines = broken.slice(0, MAX_DESCRIBED).map(({ name, why }) => `${name} is not used: ${why}`)
  return [...lines, ...rest(broken)]
}

const rest = (unused: readonly UnusedKey[]) =>
  unused.length > MAX_DESCRIBED ? [`${unused.length - MAX_DESCRIBED} more keys are not used`] : []

/** Most keys that are described. */
const MAX_DESCRIBED = 10
/** Longest id in a message, in characters. */
const MAX_SHOWN_ID = 64

const isObject = (key: unknown): key is PublishedKey => typeof key === 'object' && key !== null
const isPrivate = (key: PublishedKey) => PRIVATE_MEMBERS.some(member => isPresent(key[member]))
/** The number that a public key is known by. Two keys with one x have one private key, as the other is its negative. */
const materialOf = ({ n, x }: PublishedKey) => numberOf(n ?? x)

/** Names a key by its id, or else by its position. */
export function identityOf({ kid, issuer }: PublishedKey, index: number): Omit<UnusedKey, 'why'> {
  const of = typeof issuer === 'string' && { issuer }
  if (typeof kid !== 'string') return { name: `key ${index + 1} (without a kid)`, ...of }
  return { name: `kid "${printable(kid, MAX_SHOWN_ID)}"`, kid, ...of }
}

/** Algorithms of keys that encrypt (RFC 7518 4.1). */
const ENCRYPTION = /^(?:RSA-OAEP|RSA1_5|ECDH-ES)/

/** Reads a public key. Some servers write null for an absent member. */
function readKey(key: PublishedKey): JWK | Unfit {
  const { kty, kid, use, key_ops, alg, issuer } = key
  if (use === 'enc' || (typeof alg === 'string' && ENCRYPTION.test(alg))) {
    return new Unfit('it is for encryption', true)
  }
  const material = readMaterial(key)
  if (material instanceof Unfit) return material
  if (isPresent(kid) && typeof kid !== 'string') return new Unfit('its kid is not a string (RFC 7517 4.5)')
  if (isPresent(use) && use !== 'sig') return new Unfit('its use is not "sig"')
  if (isPresent(key_ops) && !(Array.isArray(key_ops) && key_ops.includes('verify'))) {
    return new Unfit('its key_ops don\'t include "verify"')
  }
  if (isPresent(alg) && !material.algorithms.some(algorithm => algorithm === alg)) {
    return new Unfit(`its alg ${printable(JSON.stringify(alg), MAX_SHOWN_ID)} doesn't fit its type`)
  }
  return {
    ...material.jwk,
    ...(typeof kid === 'string' && { kid }),
    // EdDSA with this curve and Ed25519 are one algorithm of two names (RFC 8037 3.1, RFC 9864 2.2).
    ...(typeof alg === 'string' && kty !== 'OKP' && { alg }),
    // Entra's keys name the tenant that they are for.
    ...(typeof issuer === 'string' && { issuer }),
  }
}
