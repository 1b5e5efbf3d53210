import { createHash } from 'node:crypto'
import { CompactSign, exportJWK, generateKeyPair, type JSONWebKeySet } from 'jose'
import { describe, expect, test } from 'vitest'
import {
  type TrustedIssuer,
  verifyAccessToken,
  verifySignature,
} from '../../../src/authenticate/access-token.ts'
import { TokenRefusal } from '../../../src/authenticate/claims.ts'
import { createInlineKeys, type KeySource, KeysUnavailable } from '../../../src/authenticate/key-source.ts'
import { Refusal } from '../../../src/refusal.ts'

const ISSUER = 'https://login.clinic.test/'
const NOW = 1_800_000_000_000
const EXP = NOW / 1000 + 600

const createKey = async (kid?: string) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), ...(kid !== undefined && { kid }) } }
}
const [one, two] = await Promise.all([createKey('one'), createKey('two')])
const set = (...keys: { jwk: object }[]) => ({ keys: keys.map(({ jwk }) => jwk) }) as JSONWebKeySet

const claims = { iss: ISSUER, aud: 'recordings', sub: 'patient-1', exp: EXP }
const sign = (payload: object = claims, header: object = {}, { privateKey } = one) =>
  new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
    .setProtectedHeader({ alg: 'ES256', kid: 'one', ...header })
    .sign(privateKey, { crit: { b64: true, 'urn:x': true } })

/** Replaces the header of a token and leaves its signature as it is, for what is refused before that is verified. */
const withHeader = (token: string, header: unknown) =>
  [Buffer.from(JSON.stringify(header)).toString('base64url'), ...token.split('.').slice(1)].join('.')

const trust = (keys: KeySource | JSONWebKeySet, entry: Partial<TrustedIssuer> = {}) => {
  const issuer: TrustedIssuer = {
    issuer: ISSUER,
    audience: 'recordings',
    algorithms: ['ES256'],
    allowed_roles: [],
    allTenants: true,
    keys: 'current' in keys ? (keys as KeySource) : createInlineKeys(keys as JSONWebKeySet),
    ...entry,
  }
  return new Map([[ISSUER, issuer]])
}
const verify = (token: string, issuers = trust(set(one))) => verifyAccessToken(token, issuers, NOW, () => {})
const reasonOf = async (token: string, issuers?: ReturnType<typeof trust>) => {
  const outcome = await verify(token, issuers)
  return outcome instanceof Refusal ? outcome.reason : outcome.subject.id
}

/** A source that must not be asked. */
const untouched: KeySource = {
  current: () => Promise.reject(new Error('keys were asked for')),
  seeking: () => Promise.reject(new Error('keys were sought')),
}

describe('a verified token', () => {
  test('comes with its subject, its times, its issuer and the set that verified it', async () => {
    const keys = set(one)
    const issuers = trust(keys)
    const outcome = await verify(
      await sign({ ...claims, iat: EXP - 700, nbf: EXP - 650, jti: 'id-1' }),
      issuers,
    )
    expect(outcome).toEqual({
      subject: { id: 'patient-1', issuer: ISSUER, roles: [], token: 'id-1', allTenants: true },
      expires: EXP,
      notBefore: EXP - 650,
      tooOld: Number.POSITIVE_INFINITY,
      issuer: issuers.get(ISSUER),
      keys,
    })
    expect('keys' in outcome && outcome.keys).toBe(keys)
  })

  test('is refused with its subject if only its claims are wrong', async () => {
    const outcome = await verify(await sign({ ...claims, exp: EXP - 700 }))
    expect(outcome).toBeInstanceOf(TokenRefusal)
    expect(outcome).toMatchObject({ reason: 'token_expired', subject: { id: 'patient-1' } })
  })
})

describe('a token without jti', () => {
  const idOf = async (token: string) => {
    const outcome = await verify(token)
    if (outcome instanceof Refusal) throw new Error(outcome.reason)
    return outcome.subject.token
  }

  test('is identified by a hash of its signed part', async () => {
    const token = await sign()
    const signed = token.slice(0, token.lastIndexOf('.'))
    expect(await idOf(token)).toBe(createHash('sha256').update(signed).digest('base64url'))
  })

  test('has the same id under every signature and every spelling of one', async () => {
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

  test('has another id if its header or its payload differs', async () => {
    const tokens = [await sign(), await sign({ ...claims, exp: EXP + 1 }), await sign(claims, { typ: 'JWT' })]
    expect(new Set(await Promise.all(tokens.map(idOf))).size).toBe(3)
  })
})

describe('a token that is certain to be refused asks for no key', () => {
  test.each([
    ['not a token', 'token_malformed', async () => 'a.b.c'],
    ['another issuer', 'token_issuer', () => sign({ ...claims, iss: 'https://evil.test/' })],
    ['an issuer that is a list', 'token_issuer', () => sign({ ...claims, iss: [ISSUER] })],
    ['no issuer', 'token_issuer', () => sign({ ...claims, iss: undefined })],
    ['no algorithm', 'token_algorithm', async () => withHeader(await sign(), { kid: 'one' })],
    ['the algorithm none', 'token_algorithm', async () => withHeader(await sign(), { alg: 'none' })],
    ['a symmetric algorithm', 'token_algorithm', async () => withHeader(await sign(), { alg: 'HS256' })],
    [
      'an algorithm of another issuer',
      'token_algorithm',
      async () => withHeader(await sign(), { alg: 'ES384' }),
    ],
    ['a list of algorithms', 'token_algorithm', async () => withHeader(await sign(), { alg: ['ES256'] })],
    ['the type of a DPoP proof', 'token_type', () => sign(claims, { typ: 'dpop+jwt' })],
    ['the type of a logout token', 'token_type', () => sign(claims, { typ: 'logout+jwt' })],
    ['a type that contains application/', 'token_type', () => sign(claims, { typ: 'at+application/jwt' })],
    [
      'a type that is a list',
      'token_type',
      async () => withHeader(await sign(), { alg: 'ES256', typ: ['jwt'] }),
    ],
    ['a type that is null', 'token_type', async () => withHeader(await sign(), { alg: 'ES256', typ: null })],
    [
      'a key id that is a number',
      'token_malformed',
      async () => withHeader(await sign(), { alg: 'ES256', kid: 1 }),
    ],
    ['a key id of 257 characters', 'token_malformed', () => sign(claims, { kid: 'k'.repeat(257) })],
    [
      'an extension that must be understood',
      'token_malformed',
      () => sign(claims, { crit: ['urn:x'], 'urn:x': 1 }),
    ],
    [
      'an empty list of extensions',
      'token_malformed',
      async () => withHeader(await sign(), { alg: 'ES256', crit: [] }),
    ],
  ])('%s: %s', async (_, reason, token) => {
    expect(await reasonOf(await token(), trust(untouched))).toBe(reason)
  })
})

test.each(['JWT', 'jwt', 'at+jwt', 'AT+JWT', 'application/at+jwt', 'application/jwt', undefined])(
  'the type %s is that of an access token',
  async typ => expect(await reasonOf(await sign(claims, { typ }))).toBe('patient-1'),
)

test('each of an issuer’s algorithms is accepted', async () => {
  const issuers = trust(set(one), { algorithms: ['RS256', 'ES256', 'EdDSA'] })
  expect(await reasonOf(await sign(), issuers)).toBe('patient-1')
})

test('keys and URLs in a token are not read', async () => {
  const forged = await sign(claims, { jwk: two.jwk, jku: 'https://evil.test/jwks', kid: 'one' }, two)
  expect(await reasonOf(forged)).toBe('token_signature')
  expect(await reasonOf(await sign(claims, { jwk: two.jwk, kid: undefined }, two))).toBe('token_signature')
})

describe('an unknown key id', () => {
  /** Counts what is asked of a source whose second set is newer. */
  const rotating = (first: JSONWebKeySet, newer: JSONWebKeySet) => {
    const asked: unknown[] = []
    const source: KeySource = {
      current: async now => {
        asked.push(['current', now])
        return first
      },
      seeking: async (kid, now) => {
        asked.push(['seeking', kid, now])
        return newer
      },
    }
    return { asked, issuers: trust(source) }
  }

  test('of 256 characters is looked for once among newer keys, and their set is returned', async () => {
    const kid = 'k'.repeat(256)
    const rotated = await createKey(kid)
    const newer = set(one, rotated)
    const { asked, issuers } = rotating(set(one), newer)
    const outcome = await verify(await sign(claims, { kid }, rotated), issuers)
    expect('keys' in outcome && outcome.keys).toBe(newer)
    expect(asked).toEqual([
      ['current', NOW],
      ['seeking', kid, NOW],
    ])
  })

  test('that newer keys lack too is refused', async () => {
    const same = set(one)
    for (const newer of [same, set(one)]) {
      const { asked, issuers } = rotating(same, newer)
      expect(await reasonOf(await sign(claims, { kid: 'two' }, two), issuers)).toBe('token_key_unknown')
      expect(asked).toHaveLength(2)
    }
  })

  test('under which newer keys have another key is a bad signature', async () => {
    const { issuers } = rotating(set(), set(one))
    expect(await reasonOf(await sign(claims, {}, two), issuers)).toBe('token_signature')
  })

  test('is not sought for a token without a key id, nor for a bad signature', async () => {
    const { asked, issuers } = rotating(set(), set(one))
    expect(await reasonOf(await sign(claims, { kid: undefined }), issuers)).toBe('token_key_unknown')
    const known = rotating(set(one), set(two))
    expect(await reasonOf(await sign(claims, {}, two), known.issuers)).toBe('token_signature')
    expect([...asked, ...known.asked]).toEqual([
      ['current', NOW],
      ['current', NOW],
    ])
  })
})

test('keys that can not be fetched reject: the token is not at fault', async () => {
  const down: KeySource = { ...untouched, current: () => Promise.reject(new KeysUnavailable('down')) }
  await expect(verify(await sign(), trust(down))).rejects.toThrow(KeysUnavailable)
})

describe('a signature', () => {
  const verdict = async (token: string, keys: JSONWebKeySet) =>
    (await verifySignature(token, keys, ['ES256']))?.reason

  test('is verified with the key that the token names', async () => {
    expect(await verdict(await sign(), set(two, one))).toBeUndefined()
    expect(await verdict(await sign(claims, { kid: 'two' }), set(two, one))).toBe('token_signature')
  })

  test('of a token that names no key may be of any of four keys, and of no fifth', async () => {
    const token = await sign(claims, { kid: undefined })
    const others = await Promise.all(Array.from({ length: 4 }, () => createKey()))
    for (let at = 0; at < 4; at++) {
      expect(await verdict(token, set(...others.slice(0, at), one, ...others.slice(at)))).toBeUndefined()
    }
    expect(await verdict(token, set(...others, one))).toBe('token_signature')
  })

  test('may be of the second of two keys with one id', async () => {
    const twin = { ...two, jwk: { ...two.jwk, kid: 'one' } }
    expect(await verdict(await sign(), set(twin, one))).toBeUndefined()
    expect(await verdict(await sign(claims, {}, await createKey()), set(twin, one))).toBe('token_signature')
  })

  test('that a broken key is named for is a fault of the keys, unless a good one has the same id', async () => {
    const broken = { jwk: { kty: 'EC', crv: 'P-256', x: 'AA', y: 'AA', kid: 'one' } }
    expect(await verdict(await sign(), set(broken))).toBe('keys_unavailable')
    expect(await verdict(await sign(), set(broken, one))).toBeUndefined()
  })

  test('by an algorithm that is not allowed, or of what is no JWS, is refused', async () => {
    for (const keys of [set(one), set(one, two, { jwk: { ...two.jwk, kid: 'one' } })]) {
      expect((await verifySignature(await sign(), keys, ['RS256']))?.reason).toBe('token_algorithm')
    }
    expect(await verifySignature(await sign(), set(one), ['RS256', 'ES256'])).toBeUndefined()
    expect(await verdict('a.b', set(one))).toBe('token_malformed')
  })

  test('is verified with one set and then with another, each by its own keys', async () => {
    const [first, second] = [set(one), set(two)]
    const token = await sign(claims, { kid: undefined })
    for (let round = 0; round < 2; round++) {
      expect(await verdict(token, first)).toBeUndefined()
      expect(await verdict(token, second)).toBe('token_signature')
    }
  })
})
