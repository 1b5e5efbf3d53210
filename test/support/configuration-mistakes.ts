import { lookup } from 'node:dns/promises'
import { readFileSync } from 'node:fs'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { StepName } from '../../src/explain/steps.ts'
import { PSEUDONYM_KEY } from './issuer.ts'
import { type Served, startProviders } from './provider-server.ts'

// The mistakes of test/vectors/configuration-mistakes.json. Each says what is configured and sent, and which message must
// say what is wrong: when the gate starts, or on the console of its first refusal, in the record, and in `explain`.

/** A mistake in the configuration of a gate, or of what sends tokens to it. */
export interface ConfigurationMistake {
  readonly mistake: string
  /** The entries of ISSUERS, each over {@link ENTRY}; null takes a member away. */
  readonly issuers?: readonly Readonly<Record<string, unknown>>[]
  /** Variables that win over those. */
  readonly variables?: Readonly<Record<string, string>>
  /** Why the gate doesn't start. */
  readonly start?: string
  /** What the console says when it starts. */
  readonly warns?: string
  /** Over the usual claims; null takes one away. `+120` and `-120` are seconds from now, `LONG` is too long. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly sign?: 'other'
  readonly token?: 'encrypted' | 'opaque' | 'padded' | 'quoted'
  /** Not with the scheme Bearer: `bare` without any. */
  readonly authorization?: 'bare' | 'DPoP'
  /** What a DPoP proof (RFC 9449 4.2) says, over a right one but for its signature. */
  readonly proof?: Readonly<Record<string, unknown>>
  readonly query?: true
  readonly place?: { readonly header: string }
  /** A header with another token, beside the one in {@link place}. */
  readonly second?: string
  /**
   * What the provider answers, by path. Its issuer is `SERVER/`, and its keys are at `SERVER/jwks`. `keys` lists keys of the
   * tests by name, each with what is other in it.
   */
  readonly served?: Readonly<Record<string, Served & { readonly keys?: readonly PublishedKey[] }>>
  /** The role that the request needs. Without it the request is to play. */
  readonly role?: 'security'
  /** The reason that is recorded, the step of `explain`, and what the record says of the token. */
  readonly reason?: string
  readonly step?: StepName
  readonly record?: Readonly<Record<string, string>>
  /** What the console says of the first refusal, and `explain`. */
  readonly line?: string
  /** All that the console says, if that is not {@link line} alone. */
  readonly console?: readonly string[]
  /** Why `explain` can't show it. */
  readonly unexplained?: string
  /** What `doctor` must find. Empty if that is not known. */
  readonly doctor: string
}

type PublishedKey = Readonly<Record<string, unknown>> & { readonly key?: string }

const ISSUER = 'https://login.clinic.test/'
const [own, other, es384] = await Promise.all(
  ['ES256', 'ES256', 'ES384'].map(alg => generateKeyPair(alg, { extractable: true })),
)
const publicKeys = async (pair: typeof own, alg: string, kid: string) => ({
  keys: [{ ...(await exportJWK(pair?.publicKey as CryptoKey)), alg, kid, use: 'sig' }],
})
const JWKS: Readonly<Record<string, object>> = {
  own: await publicKeys(own, 'ES256', 'test'),
  ES384: await publicKeys(es384, 'ES384', 'test'),
  other: await publicKeys(other, 'ES256', 'other'),
  PRIVATE: { keys: [{ ...(await exportJWK(own?.privateKey as CryptoKey)), kid: 'test' }] },
  'other PRIVATE': { keys: [{ ...(await exportJWK(other?.privateKey as CryptoKey)), kid: 'other' }] },
}

const rows: readonly ConfigurationMistake[] = JSON.parse(
  readFileSync(new URL('../vectors/configuration-mistakes.json', import.meta.url), 'utf8'),
)
// Filled in once it is known where they listen.
const providers: Record<string, Served>[] = []
const { origin, untrusted } = await startProviders(providers)
/** How this machine says that a name isn't there: without a name server it has another code for it. */
const notFound = await lookup('login.clinic.invalid').then(
  () => 'ENOTFOUND',
  ({ code }: { code: string }) => code,
)

/** All of them, with the address of the servers in place of `SERVER` and `UNTRUSTED`. */
export const MISTAKES: readonly ConfigurationMistake[] = rows.map((row, index) => {
  if (row.served === undefined) return row
  const filled: ConfigurationMistake = JSON.parse(
    JSON.stringify(row)
      .replaceAll('SERVER', `${origin}/${index}`)
      .replaceAll('UNTRUSTED', untrusted)
      .replaceAll('ENOTFOUND', notFound),
  )
  providers[index] = Object.fromEntries(
    Object.entries(filled.served ?? {}).map(([path, { keys, ...answer }]) => [
      path,
      keys === undefined ? answer : { body: { keys: keys.map(publishedKey) } },
    ]),
  )
  const server = { issuer: `${origin}/${index}/`, jwks: null, jwks_uri: `${origin}/${index}/jwks` }
  return {
    ...filled,
    issuers: (filled.issuers ?? [{}]).map(entry => ({ ...server, ...entry })),
    claims: { iss: server.issuer, ...filled.claims },
  }
})

function publishedKey({ key, ...others }: PublishedKey): object {
  const { keys: [known] = [] } = (key === undefined ? {} : JWKS[key]) as { keys?: object[] }
  return { ...known, ...others }
}

/** The entry that is right, and that each mistake changes. */
export const ENTRY: Readonly<Record<string, unknown>> = {
  issuer: ISSUER,
  audience: 'recordings',
  algorithms: ['ES256'],
  jwks: JWKS.own,
}

/** The variables of a gate with a mistake. */
export function variablesOf({ issuers = [{}], variables }: ConfigurationMistake): Record<string, string> {
  const entries = issuers.map(({ jwks, ...entry }) => {
    const keys = jwks === undefined ? {} : { jwks: typeof jwks === 'string' ? JWKS[jwks] : jwks }
    return withoutNull({ ...ENTRY, ...entry, ...keys })
  })
  return { ISSUERS: JSON.stringify(entries), PSEUDONYM_KEY, ...variables }
}

/** The token that is sent. */
export async function tokenOf(mistake: ConfigurationMistake): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const usual = { iss: ISSUER, aud: 'recordings', sub: 'patient-1', iat: now - 10, exp: now + 600 }
  const claims = Object.entries({ ...usual, ...mistake.claims }).map(([name, value]) => [
    name,
    timeOf(value, now),
  ])
  const payload = withoutNull(Object.fromEntries(claims)) as JWTPayload
  const header = { alg: 'ES256', kid: 'test', typ: 'at+jwt', ...mistake.header }
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  if (header.alg === 'HS256') return `${encoded(header)}.${encoded(payload)}.c2lnbmF0dXJl`
  const key = (mistake.sign === 'other' ? other : own)?.privateKey as CryptoKey
  const token = await new SignJWT(payload).setProtectedHeader(header).sign(key)
  return mistake.token === undefined ? token : DAMAGED[mistake.token](token)
}

const DAMAGED: Readonly<Record<NonNullable<ConfigurationMistake['token']>, (token: string) => string>> = {
  encrypted: () => 'eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAA.AAAA.AAAA',
  opaque: () => 'fO9Zk1r3L0Vw7c',
  padded: token => token.replaceAll('.', '=.'),
  quoted: token => `"${token}"`,
}

/** The request that is sent, and its path. */
export function requestOf(
  mistake: ConfigurationMistake,
  token: string,
): readonly [path: string, RequestInit] {
  const path = mistake.role === undefined ? '/recordings/rec-1' : '/console/api/denials'
  if (mistake.query) return [`${path}?access_token=${token}`, {}]
  const { place, second } = mistake
  if (place !== undefined) {
    return [
      path,
      { headers: { [place.header]: token, ...(second !== undefined && { [second]: `${token}2` }) } },
    ]
  }
  const { authorization: scheme = 'Bearer', proof } = mistake
  const authorization = scheme === 'bare' ? token : `${scheme} ${token}`
  return [path, { headers: { authorization, ...(proof !== undefined && { dpop: unsignedProof(proof) }) } }]
}

function unsignedProof(claims: object): string {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA' } }
  const payload = { jti: 'one', htm: 'GET', iat: Math.floor(Date.now() / 1000), ...claims }
  const [head, body] = [header, payload].map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
  return `${head}.${body}.c2lnbmF0dXJl`
}

/** What `explain` is asked about it. */
export function questionOf(mistake: ConfigurationMistake, token: string): Record<string, unknown> {
  const { role, place, query, authorization } = mistake
  const url = query ? '/recordings/rec-1?access_token=x' : '/recordings/rec-1'
  const pasted = { bare: `Authorization: ${token}`, DPoP: `DPoP ${token}` }
  return {
    token: authorization ? pasted[authorization] : token,
    ...place,
    ...(role === undefined ? { url } : { role }),
  }
}

function timeOf(value: unknown, now: number): unknown {
  if (value === 'LONG') return Array.from({ length: 400 }, (_, i) => `group-${i}-${'x'.repeat(30)}`)
  return typeof value === 'string' && /^[+-]\d{2,7}$/.test(value) ? now + Number(value) : value
}

const withoutNull = (object: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null))
