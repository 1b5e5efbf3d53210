import type { JWK } from 'jose'
import * as base64url from 'jose/base64url'
import { decodeBase64 } from '../../base/bytes.ts'
import type { Algorithm } from '../issuer.ts'

/** A key as it was published, of which nothing is known but that it is a JSON object. */
export type PublishedKey = Readonly<Record<string, unknown>>

/** Why a published key isn't used. */
export class Unfit {
  readonly why: string
  /** Whether the key is meant for something else than signatures. */
  readonly isOther: boolean

  constructor(why: string, isOther: boolean = false) {
    this.why = why
    this.isOther = isOther
  }
}

/** The numbers of a public key, with the algorithms that they can be used with. */
export interface KeyMaterial {
  readonly jwk: JWK
  readonly algorithms: readonly Algorithm[]
}

const RSA: readonly Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']

/** Curves by name: how long a coordinate is, in bytes, and the algorithms (RFC 7518 3.4, 6.2.1; RFC 8037 2, 3.1). */
const CURVES: ReadonlyMap<unknown, readonly [kty: string, size: number, ...Algorithm[]]> = new Map([
  ['P-256', ['EC', 32, 'ES256']],
  ['P-384', ['EC', 48, 'ES384']],
  ['P-521', ['EC', 66, 'ES512']],
  ['Ed25519', ['OKP', 32, 'EdDSA', 'Ed25519']],
])

/** RFC 7518 3.3. */
const MIN_RSA_BITS = 2048
/** Longer numbers only cost time. */
const MAX_RSA_BYTES = 2048

/** Most zero bytes that a coordinate may lack. One in 2^32 lacks more. */
const MAX_MISSING = 4

/** Reads the numbers of a public key, and writes them in the one spelling that every runtime imports. */
export function readMaterial(key: PublishedKey): KeyMaterial | Unfit {
  if (key.kty === 'RSA') return readRsa(key)
  const [kty, size, ...algorithms] = CURVES.get(key.crv) ?? []
  if (size === undefined || kty !== key.kty) return new Unfit('its type is not supported', true)
  return readPoint(key, size, algorithms)
}

function readRsa({ kty, n, e, x5c }: PublishedKey): KeyMaterial | Unfit {
  const [modulus, exponent] = [decode(n), decode(e)]
  if (modulus === undefined || exponent === undefined) {
    const instead = x5c === undefined ? '' : ': a certificate (x5c) is not enough'
    return new Unfit(`it has no n and e${instead}`)
  }
  // Java's BigInteger writes a zero byte in front of most numbers.
  const [number, power] = [withoutZeros(modulus), withoutZeros(exponent)]
  const bits = number.length * 8 - Math.clz32(number[0] ?? 0) + 24
  if (bits < MIN_RSA_BITS) return new Unfit(`it has ${Math.max(bits, 0)} bits, and RSA needs ${MIN_RSA_BITS}`)
  if (number.length > MAX_RSA_BYTES) return new Unfit(`it has over ${MAX_RSA_BYTES * 8} bits`)
  // With 1, each message would be its own signature.
  if (power.length > 8 || (power.at(-1) ?? 0) % 2 === 0 || (power.length === 1 && power[0] === 1)) {
    return new Unfit('its e is not a public exponent')
  }
  return {
    jwk: { kty: kty as string, n: base64url.encode(number), e: base64url.encode(power) },
    algorithms: RSA,
  }
}

function readPoint(key: PublishedKey, size: number, algorithms: readonly Algorithm[]): KeyMaterial | Unfit {
  const { kty, crv } = key as { kty: string; crv: string }
  const names = kty === 'EC' ? ['x', 'y'] : ['x']
  const jwk: JWK = { kty, crv }
  for (const name of names) {
    const bytes = decode(key[name])
    // Some libraries leave zero bytes out, or write one too many (RFC 7518 6.2.1.2 asks for the exact length). An Ed25519
    // key begins with its lowest byte, so there is none to leave out.
    const coordinate = bytes && kty === 'EC' ? padded(bytes, size) : bytes
    if (coordinate?.length !== size) return new Unfit(`its ${name} is not a coordinate of ${crv}`)
    jwk[name as 'x' | 'y'] = base64url.encode(coordinate)
  }
  return { jwk, algorithms }
}

/** Returns the one spelling of a number, to compare it by. Undefined if it isn't one. */
export function numberOf(value: unknown): string | undefined {
  const bytes = decode(value)
  return bytes && base64url.encode(withoutZeros(bytes))
}

/** Decodes base64 of either alphabet, padded or not. Undefined for anything else. */
function decode(value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string' || value === '') return undefined
  try {
    return decodeBase64(value)
  } catch {
    return undefined
  }
}

function withoutZeros(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex(byte => byte !== 0)
  return first < 0 ? new Uint8Array() : bytes.subarray(first)
}

/** Fits a number to its size, unless so much is missing that it must be the number of another curve. */
function padded(bytes: Uint8Array, size: number): Uint8Array {
  const number = withoutZeros(bytes)
  if (bytes.length < size - MAX_MISSING || number.length > size) return bytes
  const result = new Uint8Array(size)
  result.set(number, size - number.length)
  return result
}
