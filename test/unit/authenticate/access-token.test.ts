import { createHash } from 'node:crypto'
import { CompactSign, exportJWK, generateKeyPair, type JSONWebKeySet } from 'jose'
import { describe, expect, test } from 'vitest'
import { verifyAccessToken, verifySignature } from '../../../src/authenticate/access-token.ts'
import type { Issuer } from '../../../src/authenticate/issuer.ts'
import type { KeySource } from '../../../src/authenticate/keys/key-source.ts'
import { type KeySet, usableKeys } from '../../../src/authenticate/keys/usable-keys.ts'
import { TokenRefusal } from '../../../src/authenticate/token-refusal.ts'
import { TrustedIssuers } from '../../../src/authenticate/trusted-issuers.ts'
import { Fault, Refusal } from '../../../src/refusal.ts'
import { publicKey } from '../../support/public-keys.ts'

const ISSUER = 'https://login.clinic.test/'
const NOW = 1_800_000_000_000
const EXP = NOW / 1000 + 600

const createKey = async (kid?: string) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), ...(kid !== undefined && { kid }) } }
}
const [one, two] = await Promise.all([createKey('one'), createKey('two')])
const set = (...keys: { jwk: object }[]) => usableKeys({ keys: keys.map(({ jwk }) => jwk) })

const claims = { iss: ISSUER, aud: 'recordings', sub: 'patient-1', exp: EXP }
const sign = (payload: object = claims, header: object = {}, { privateKey } = one) =>
  new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header })
    .sign(privateKey, { crit: { b64: true, 'urn:x': true } })

/** Replaces the header of a token and leaves its signature as it is, for what is refused before that is verified. */
const withHeader = (token: string, header: unknown) =>
  [Buffer.from(JSON.stringify(header)).toString('base64url'), ...token.split('.').slice(1)].join('.')

const trust = (keys: KeySource | KeySet, entry: Partial<Issuer> = {}) => {
  const issuer: Issuer = { issuer: ISSUER, audience: 'recordings', algorithms: ['ES256'], ...entry }
  return new TrustedIssuers([issuer], () =>
    'current' in keys ? keys : { current: async () => keys, newer: async () => keys },
  )
}
const verify = (token: string, issuers = trust(set(one))) => verifyAccessToken(token, issuers, NOW, () => {})
const reasonOf = async (token: string, issuers?: ReturnType<typeof trust>) => {
  const outcome = await verify(token, issuers)
  return outcome instanceof Refusal ? outcome.reason : outcome.subject.id
}

/** A source that must not be asked. */
const untouched: KeySource = {
  current: () => Promise.reject(new Error('keys were asked for')),
  newer: () => Promise.reject(new Error('newer keys were asked for')),
}

describe('verifyAccessToken', () => {
  test('a verified token comes with its subject, its times, its issuer and the key set that verified it', async () => {
    const keys = set(one)
    const issuers = trust(keys)
    const outcome = await verify(
      await sign({ ...claims, iat: EXP - 700, nbf: EXP - 650, jti: 'id-1' }),
      issuers,
    )
    expect(outcome).toEqual({
      subject: {
        ...{ id: 'patient-1', issuer: ISSUER, roles: [], token: 'id-1', allTenants: true },
        issued: EXP - 700,
      },
      expires: EXP,
      notBefore: EXP - 650,
      tooOld: Number.POSITIVE_INFINITY,
      entry: expect.objectContaining({ issuer: ISSUER, name: ISSUER, owns: true }),
      keys,
    })
    expect('keys' in outcome && outcome.keys).toBe(keys)
  })

  test('the refusal of an expired token with a good signature names its subject', async () => {
    const outcome = await verify(await sign({ ...claims, exp: EXP - 700 }))
    expect(outcome).toBeInstanceOf(TokenRefusal)
    expect(outcome).toMatchObject({
      reason: 'token_expired',
      facts: { claim: 'exp', subject: { id: 'patient-1' } },
    })
  })
})

describe('token ids', () => {
  const idOf = async (token: string) => {
    const outcome = await verify(token)
    if (outcome instanceof Refusal) throw new Error(outcome.reason)
    return outcome.subject.token
  }

  test('a token without jti is identified by a hash of its signed part', async () => {
    const token = await sign()
    const signed = token.slice(0, token.lastIndexOf('.'))
    expect(await idOf(token)).toBe(createHash('sha256').update(signed).digest('base64url'))
  })

  test('a token without jti has the same id under every signature and every spelling of one', async () => {
    const token = await sign()
    const [header, payload, signature = ''] = token.split('.')
    const again = await sign()
    // The last character of 64 bytes in base64url has four bits that no byte needs.
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const respelled = `${signature.slice(0, -1)}${alphabet[alphabet.indexOf(signature.slice(-1)) + 1]}`
    // ECDSA: with (r, s) the signature (r, n - s) is good too.
    const n = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
    const bytes = Buffer.from(signature, 'base64url')
    const s = n - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
    const mirrored = Buffer.concat([
      bytes.subarray(0, 32),
      Buffer.from(s.toString(16).padStart(64, '0'), 'hex'),
    ]).toString('base64url')

    const tokens = [token, again, ...[respelled, mirrored].map(other => `${header}.${payload}.${other}`)]
    expect(new Set(tokens).size).toBe(4)
    expect(new Set(await Promise.all(tokens.map(idOf))).size).toBe(1)
  })

  test('a token without jti has another id if its header or its payload differs', async () => {
    const tokens = [await sign(), await sign({ ...claims, exp: EXP + 1 }), await sign(claims, { typ: 'JWT' })]
    expect(new Set(await Promise.all(tokens.map(idOf))).size).toBe(3)
  })
})

test.each([
  ['a string that is not a token', 'token_malformed', async () => 'a.b.c'],
  ['a token of another issuer', 'token_issuer', () => sign({ ...claims, iss: 'https://evil.test/' })],
  ['a token whose issuer is a list', 'token_issuer', () => sign({ ...claims, iss: [ISSUER] })],
  ['a token without an issuer', 'token_issuer', () => sign({ ...claims, iss: undefined })],
  ['a token without an algorithm', 'token_algorithm', async () => withHeader(await sign(), { kid: 'one' })],
  [
    'a token with the algorithm none',
    'token_algorithm',
    async () => withHeader(await sign(), { alg: 'none' }),
  ],
  [
    'a token with a symmetric algorithm',
    'token_algorithm',
    async () => withHeader(await sign(), { alg: 'HS256' }),
  ],
  [
    'a token with an algorithm of another issuer',
    'token_algorithm',
    async () => withHeader(await sign(), { alg: 'ES384' }),
  ],
  [
    'a token with a list of algorithms',
    'token_algorithm',
    async () => withHeader(await sign(), { alg: ['ES256'] }),
  ],
  ['a token with the type of a DPoP proof', 'token_type', () => sign(claims, { typ: 'dpop+jwt' })],
  ['a token with the type of a logout token', 'token_type', () => sign(claims, { typ: 'logout+jwt' })],
  [
    'a token whose type contains application/',
    'token_type',
    () => sign(claims, { typ: 'at+application/jwt' }),
  ],
  [
    'a token whose type is a list',
    'token_type',
    async () => withHeader(await sign(), { alg: 'ES256', typ: ['jwt'] }),
  ],
  [
    'a token whose type is null',
    'token_type',
    async () => withHeader(await sign(), { alg: 'ES256', typ: null }),
  ],
  [
    'a token whose key id is a number',
    'token_malformed',
    async () => withHeader(await sign(), { alg: 'ES256', kid: 1 }),
  ],
  [
    'a token with a key id of 257 characters',
    'token_malformed',
    () => sign(claims, { kid: 'k'.repeat(257) }),
  ],
  [
    'a token with an extension that must be understood',
    'token_malformed',
    () => sign(claims, { crit: ['urn:x'], 'urn:x': 1 }),
  ],
  [
    'a token with an empty list of extensions',
    'token_malformed',
    async () => withHeader(await sign(), { alg: 'ES256', crit: [] }),
  ],
])('%s is refused as %s before any key is asked for', async (_, reason, token) => {
  expect(await reasonOf(await token(), trust(untouched))).toBe(reason)
})

test.each(['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', 'application/jwt', undefined])(
  'a token of the type %s is accepted as an access token',
  async typ => expect(await reasonOf(await sign(claims, { typ }))).toBe('patient-1'),
)

test('a token is accepted if its algorithm is one of several of its issuer', async () => {
  const issuers = trust(set(one), { algorithms: ['RS256', 'ES256', 'EdDSA'] })
  expect(await reasonOf(await sign(), issuers)).toBe('patient-1')
})

test('keys and URLs in the header of a token are not used', async () => {
  const forged = await sign(claims, { jwk: two.jwk, jku: 'https://evil.test/jwks', kid: 'one' }, two)
  expect(await reasonOf(forged)).toBe('token_signature')
  expect(await reasonOf(await sign(claims, { jwk: two.jwk, kid: undefined }, two))).toBe('token_signature')
})

describe('newer keys', () => {
  /** Counts what is asked of a source whose second set is newer. */
  const rotating = (first: KeySet, newer: KeySet | Fault) => {
    const asked: unknown[] = []
    const source: KeySource = {
      current: async now => {
        asked.push(['current', now])
        return first
      },
      newer: async now => {
        asked.push(['newer', now])
        if (newer instanceof Fault) throw newer
        return newer
      },
    }
    return { asked, issuers: trust(source) }
  }
  const ONCE = [
    ['current', NOW],
    ['newer', NOW],
  ]
  const down = new Fault('keys_unavailable')

  test('an unknown key id of 256 characters is looked for among newer keys, and their set is returned', async () => {
    const kid = 'k'.repeat(256)
    const rotated = await createKey(kid)
    const newer = set(one, rotated)
    const { asked, issuers } = rotating(set(one), newer)
    const outcome = await verify(await sign(claims, { kid }, rotated), issuers)
    expect('keys' in outcome && outcome.keys).toBe(newer)
    expect(asked).toEqual(ONCE)
  })

  test('a token is refused as token_key_unknown if newer keys lack its key id too', async () => {
    const same = set(one)
    for (const newer of [same, set(one)]) {
      const { asked, issuers } = rotating(same, newer)
      expect(await reasonOf(await sign(claims, { kid: 'two' }, two), issuers)).toBe('token_key_unknown')
      expect(asked).toEqual(ONCE)
    }
  })

  test('a token is refused as token_signature if newer keys have another key under its key id', async () => {
    const { issuers } = rotating(set(), set(one))
    expect(await reasonOf(await sign(claims, {}, two), issuers)).toBe('token_signature')
  })

  test('a bad signature is tried with newer keys, as another key may have the same id now', async () => {
    const renewed = await createKey('one')
    const { asked, issuers } = rotating(set(one), set(renewed))
    expect(await reasonOf(await sign(claims, {}, renewed), issuers)).toBe('patient-1')
    expect(asked).toEqual(ONCE)
    expect(await reasonOf(await sign(claims, {}, two), issuers)).toBe('token_signature')
  })

  test('a token without a key id is tried with newer keys', async () => {
    for (const first of [set(), set(two)]) {
      const { asked, issuers } = rotating(first, set(one))
      expect(await reasonOf(await sign(claims, { kid: undefined }), issuers)).toBe('patient-1')
      expect(asked).toEqual(ONCE)
    }
  })

  test('a good token causes no look at newer keys, and neither does a token that no key could verify', async () => {
    const good = rotating(set(one), set(one))
    expect(await reasonOf(await sign(), good.issuers)).toBe('patient-1')
    const malformed = rotating(set(one), set(one))
    expect(await reasonOf(`${await sign()}!`, malformed.issuers)).toBe('token_malformed')
    expect([...good.asked, ...malformed.asked]).toEqual([['current', NOW]])
  })

  test('while the key server is down, an unknown key is a fault, and a bad signature is still the fault of its token', async () => {
    const { issuers } = rotating(set(one), down)
    await expect(verify(await sign(claims, { kid: 'two' }, two), issuers)).rejects.toBe(down)
    expect(await reasonOf(await sign(claims, {}, two), issuers)).toBe('token_signature')
  })

  test.each([
    ['of 1024 bits', { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'one' }],
    ['whose private part is published', { ...one.jwk, d: 'AAAA' }],
  ])('a token whose key is published, but one %s, is not blamed', async (_, jwk) => {
    expect(await reasonOf(await sign(), trust(set({ jwk }, two)))).toBe('keys_unavailable')
    expect(await reasonOf(await sign(claims, { kid: 'other' }), trust(set({ jwk }, two)))).toBe(
      'token_key_unknown',
    )
    // The id of a key that is for something else is unknown.
    expect(await reasonOf(await sign(), trust(set({ jwk: { ...one.jwk, use: 'enc' } }, two)))).toBe(
      'token_key_unknown',
    )
  })
})

test('a token is not blamed if its keys cannot be fetched: its verification rejects', async () => {
  const down: KeySource = { ...untouched, current: () => Promise.reject(new Fault('keys_unavailable')) }
  await expect(verify(await sign(), trust(down))).rejects.toMatchObject({ reason: 'keys_unavailable' })
})

describe('verifySignature', () => {
  const verdict = async (token: string, keys: JSONWebKeySet) =>
    (await verifySignature(token, keys, ['ES256']))?.reason

  test('a signature is verified with the key that its token names', async () => {
    expect(await verdict(await sign(), set(two, one))).toBeUndefined()
    expect(await verdict(await sign(claims, { kid: 'two' }), set(two, one))).toBe('token_signature')
  })

  test('the signature of a token that names no key may be by any of the first four keys, but not by the fifth', async () => {
    const token = await sign(claims, { kid: undefined })
    const others = await Promise.all(Array.from({ length: 4 }, () => createKey()))
    for (let at = 0; at < 4; at++) {
      expect(await verdict(token, set(...others.slice(0, at), one, ...others.slice(at)))).toBeUndefined()
    }
    expect(await verdict(token, set(...others, one))).toBe('token_signature')
  })

  test('a signature may be by the second of two keys with the same id', async () => {
    const twin = { ...two, jwk: { ...two.jwk, kid: 'one' } }
    expect(await verdict(await sign(), set(twin, one))).toBeUndefined()
    expect(await verdict(await sign(claims, {}, await createKey()), set(twin, one))).toBe('token_signature')
  })

  test('a broken key under the key id of a token is a fault of the keys, unless a good key has the same id', async () => {
    // Not a point of the curve, which only its import shows.
    const broken = { jwk: publicKey('one') }
    expect(await verdict(await sign(), set(broken))).toBe('keys_unavailable')
    expect(await verdict(await sign(), set(broken, one))).toBeUndefined()
  })

  test('an algorithm that is not allowed is refused, and so is a string that is not a JWS', async () => {
    for (const keys of [set(one), set(one, two, { jwk: { ...two.jwk, kid: 'one' } })]) {
      expect((await verifySignature(await sign(), keys, ['RS256']))?.reason).toBe('token_algorithm')
    }
    expect(await verifySignature(await sign(), set(one), ['RS256', 'ES256'])).toBeUndefined()
    expect(await verdict('a.b', set(one))).toBe('token_malformed')
  })

  test('a token that is verified with two key sets in turn is verified each time by the keys of that set', async () => {
    const [first, second] = [set(one), set(two)]
    const token = await sign(claims, { kid: undefined })
    for (let round = 0; round < 2; round++) {
      expect(await verdict(token, first)).toBeUndefined()
      expect(await verdict(token, second)).toBe('token_signature')
    }
  })
})
