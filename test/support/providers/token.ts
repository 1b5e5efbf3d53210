import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import { type JWK, SignJWT } from 'jose'
import type { Algorithm } from '../../../src/authenticate/issuer.ts'

// Tokens as identity providers write them, with keys of the tests.

/** The key pairs of all providers: they differ in what is said of them, not in the numbers. */
const PAIRS = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'another rsa': generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  Ed25519: generateKeyPairSync('ed25519'),
} as const

/** A key that a provider signs with, and publishes. */
export interface SigningKey {
  readonly alg: Algorithm
  readonly kid: string
  /** As it is in the provider's key set. */
  readonly jwk: JWK
  readonly privateKey: KeyObject
}

/** A token of a provider. */
export interface Token {
  readonly key: SigningKey
  /** `iat` and `exp` are those of a fresh token unless they are here. */
  readonly claims: Readonly<Record<string, unknown>>
  /** What its header has beside `alg` and `kid`; undefined takes a member away. `typ` is `JWT` unless it is here. */
  readonly header?: Readonly<Record<string, unknown>>
  /** The header or cookie that it is sent in. `Authorization` unless it is here. */
  readonly place?: TokenPlace
}

/** A string that is sent as it is. */
export interface Raw {
  readonly raw: string
  /** What the provider's introspection endpoint says of it. Undefined if it doesn't know the string. */
  readonly active?: Readonly<Record<string, unknown>>
  readonly place?: TokenPlace
}

export type TokenPlace = { readonly header: string } | { readonly cookie: string }
export type Sent = Token | Raw

/** @param members what the key set says of the key beside `use` and `alg`; undefined takes one of them away */
export function signingKey(
  pair: keyof typeof PAIRS,
  kid: string,
  alg: Algorithm,
  members: Readonly<Record<string, unknown>> = {},
): SigningKey {
  const { publicKey, privateKey } = PAIRS[pair]
  return {
    alg,
    kid,
    privateKey,
    jwk: defined({ ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig', ...members }),
  }
}

let copies = 0

/** Returns a token with other claims; undefined takes one away. An opaque one is another string. */
export function changed<Original extends Sent>(
  token: Original,
  claims: Readonly<Record<string, unknown>>,
): Original {
  return 'raw' in token
    ? { ...token, raw: `${token.raw}${++copies}`, active: { ...token.active, ...claims } }
    : { ...token, claims: { ...token.claims, ...claims } }
}

/** Returns what a token says, or what the provider says of it. */
export const claimsOf = (sent: Sent): Readonly<Record<string, unknown>> =>
  'raw' in sent ? (sent.active ?? {}) : sent.claims

/** Returns the headers of a request with a token. */
export async function headersWith(sent: Sent): Promise<Record<string, string>> {
  const token = 'raw' in sent ? sent.raw : await sign(sent)
  const { place } = sent
  if (place === undefined) return { Authorization: `Bearer ${token}` }
  return 'header' in place ? { [place.header]: token } : { Cookie: `${place.cookie}=${token}` }
}

/** Returns a token with the signature of another one; of an opaque one, a string that its provider doesn't know. */
export async function forged(token: Sent): Promise<Raw> {
  if ('raw' in token) return { raw: `${token.raw}x` }
  const [header, , signature] = (await sign(token)).split('.')
  const [, payload] = (await sign(changed(token, { jti: 'forged' }))).split('.')
  return { raw: [header, payload, signature].join('.'), ...(token.place && { place: token.place }) }
}

async function sign({ key, claims, header }: Token): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const protectedHeader = { typ: 'JWT', alg: key.alg, kid: key.kid, ...header }
  return new SignJWT(defined({ iat: now - 10, exp: now + 600, ...claims }))
    .setProtectedHeader(defined(protectedHeader) as { alg: string })
    .sign(key.privateKey)
}

/** Returns the form of an encrypted token (RFC 7516). The gate never decrypts one. */
export const encrypted = (header: object): Raw => ({
  raw: [encode(header), '', random(12), random(200), random(16)].join('.'),
})

/** Returns a token with a signature of HMAC, by a secret that only the provider has. */
export const withHmac = (claims: object, alg = 'HS256'): Raw => ({
  raw: `${encode({ alg, typ: 'JWT' })}.${encode(claims)}.${random(32)}`,
})

/** Returns a string that only its provider can read. */
export const opaque = (raw: string): Raw => ({ raw })

const random = (size: number): string => randomBytes(size).toString('base64url')
const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

function defined<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Value
}
