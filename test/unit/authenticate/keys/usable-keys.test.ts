import { createECDH, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { CompactSign } from 'jose'
import { describe, expect, test } from 'vitest'
import { verifySignature } from '../../../../src/authenticate/access-token.ts'
import type { Algorithm } from '../../../../src/authenticate/issuer.ts'
import { describeBroken, describeUnused, usableKeys } from '../../../../src/authenticate/keys/usable-keys.ts'

// Key sets as real servers publish them.

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed25519 = generateKeyPairSync('ed25519')
const RSA = { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'r' }
const EC = { ...p256.publicKey.export({ format: 'jwk' }), kid: 'e' }
const ED = { ...ed25519.publicKey.export({ format: 'jwk' }), kid: 'd' }

const read = (...keys: unknown[]) => usableKeys({ keys })
const whyOf = (...keys: unknown[]) => {
  const { keys: used, broken, ignored } = read(...keys)
  return { used: used.length, broken: broken.map(({ why }) => why), ignored: ignored.map(({ why }) => why) }
}

/** Whether the one key of a set verifies what its private half signed. */
async function verifies(key: object, privateKey = rsa.privateKey, alg: Algorithm = 'RS256', kid = 'r') {
  const token = await new CompactSign(new TextEncoder().encode('{}'))
    .setProtectedHeader({ alg, kid })
    .sign(privateKey)
  return (await verifySignature(token, read(key), [alg])) === undefined
}

describe('keys that are used', () => {
  test('an RSA, an EC and an Ed25519 key are used as they are', () => {
    expect(read(RSA, EC, ED)).toEqual({ keys: [RSA, EC, ED], broken: [], ignored: [] })
  })

  test('only the members that verifying needs are kept, and the tenant that a key names', () => {
    const more = {
      use: 'sig',
      key_ops: ['verify'],
      ext: false,
      x5c: ['MIIC'],
      x5t: 't',
      x5u: 'https://x',
      exp: 2,
    }
    expect(read({ ...RSA, alg: 'RS256', issuer: 'https://x/{tenantid}', ...more }).keys).toEqual([
      { ...RSA, alg: 'RS256', issuer: 'https://x/{tenantid}' },
    ])
  })

  test.each([
    ['null for use, key_ops, alg and private members', { use: null, key_ops: null, alg: null, d: null }],
    ['the use of signatures', { use: 'sig' }],
    ['several operations', { key_ops: ['sign', 'verify'] }],
    ['numbers in padded base64', { n: Buffer.from(`${RSA.n}`, 'base64url').toString('base64'), e: 'AQAB' }],
    [
      'a number with a zero byte in front',
      { n: Buffer.concat([Buffer.of(0), Buffer.from(`${RSA.n}`, 'base64url')]).toString('base64url') },
    ],
    ['an exponent with zero bytes in front', { e: 'AAAAAQAB' }],
    ['a false ext', { ext: false }],
  ])('an RSA key with %s verifies a signature', async (_, members) => {
    expect(read({ ...RSA, ...members }).keys).toEqual([RSA])
    expect(await verifies({ ...RSA, ...members })).toBe(true)
  })

  test('a null kid is no kid', async () => {
    const { kid: _, ...unnamed } = RSA
    expect(read({ ...RSA, kid: null }).keys).toEqual([unnamed])
    expect(read({ ...RSA, kid: '' }).keys).toEqual([{ ...RSA, kid: '' }])
  })

  test('a coordinate of an EC key may lack its zero bytes, or have one too many', async () => {
    const ecdh = createECDH('prime256v1')
    let point = ecdh.generateKeys()
    while (point[1] !== 0) point = ecdh.generateKeys()
    const [x, y] = [point.subarray(1, 33), point.subarray(33)]
    const kept = { kty: 'EC', crv: 'P-256', x: x.toString('base64url'), y: y.toString('base64url'), kid: 'e' }
    const short = { ...kept, x: x.subarray(1).toString('base64url') }
    const long = { ...kept, y: Buffer.concat([Buffer.of(0), y]).toString('base64') }
    expect(read(kept, short, long).keys).toEqual([kept, kept, kept])
    // It is on the curve: node:crypto would throw otherwise.
    createPublicKey({ key: kept, format: 'jwk' })
  })

  test.each<[string, object, Algorithm]>([
    ['EdDSA', { alg: 'EdDSA' }, 'Ed25519'],
    ['Ed25519', { alg: 'Ed25519' }, 'EdDSA'],
    ['no algorithm', {}, 'Ed25519'],
    ['no algorithm', {}, 'EdDSA'],
  ])('an Ed25519 key with %s verifies a token of the algorithm %j %s', async (_, members, alg) => {
    expect(await verifies({ ...ED, ...members }, ed25519.privateKey, alg, 'd')).toBe(true)
  })

  test('an RSA key of 16384 bits is used, and so is one with the exponent 3', () => {
    const n = Buffer.alloc(2048, 0xff).toString('base64url')
    expect(read({ ...RSA, n, e: 'Aw' }).keys).toEqual([{ ...RSA, n, e: 'Aw' }])
  })

  test('a key is used with its own algorithm only', async () => {
    expect(await verifies({ ...RSA, alg: 'RS512' })).toBe(false)
    expect(await verifies({ ...RSA, alg: 'RS256' })).toBe(true)
  })
})

describe('keys that are not used', () => {
  const bits = (size: number) =>
    generateKeyPairSync('rsa', { modulusLength: size }).publicKey.export({ format: 'jwk' })

  test.each<[string, unknown, string]>([
    ['an RSA key of 1024 bits', bits(1024), 'it has 1024 bits, and RSA needs 2048'],
    [
      'an RSA key of 2047 bits',
      { ...RSA, n: Buffer.alloc(256, 0x7f).toString('base64url') },
      'it has 2047 bits',
    ],
    ['an RSA key of zero', { ...RSA, n: 'AA' }, 'it has 0 bits'],
    [
      'an RSA key of 16392 bits',
      { ...RSA, n: Buffer.alloc(2049, 1).toString('base64url') },
      'over 16384 bits',
    ],
    [
      'a certificate alone',
      { kty: 'RSA', kid: 'r', x5c: ['MIIC'] },
      'it has no n and e: a certificate (x5c) is not',
    ],
    ['an RSA key without n', { ...RSA, n: undefined }, 'it has no n and e'],
    ['an RSA key whose n is a number', { ...RSA, n: 7 }, 'it has no n and e'],
    ['an RSA key whose n is not base64', { ...RSA, n: '!' }, 'it has no n and e'],
    ['an RSA key without e', { ...RSA, e: '' }, 'it has no n and e'],
    ['an RSA key with the exponent 1', { ...RSA, e: 'AQ' }, 'its e is not a public exponent'],
    ['an RSA key with the exponent 0', { ...RSA, e: 'AA' }, 'its e is not a public exponent'],
    ['an RSA key with an even exponent', { ...RSA, e: 'Ag' }, 'its e is not a public exponent'],
    [
      'an RSA key with an exponent of 72 bits',
      { ...RSA, e: 'AQAAAAAAAAAB' },
      'its e is not a public exponent',
    ],
    [
      'an EC key with a number that is too long',
      { ...EC, x: Buffer.alloc(33, 1).toString('base64url') },
      'its x is not a coordinate of P-256',
    ],
    [
      'an Ed25519 key that lacks a byte',
      { ...ED, x: Buffer.alloc(31, 1).toString('base64url') },
      'its x is not a coordinate of Ed25519',
    ],
    ['an EC key without y', { ...EC, y: undefined }, 'its y is not a coordinate of P-256'],
    ['an EC key of another curve', { ...EC, crv: 'P-384' }, 'its x is not a coordinate of P-384'],
    ['an Ed25519 key that is too short', { ...ED, x: 'AAAA' }, 'its x is not a coordinate of Ed25519'],
    ['a numeric kid', { ...RSA, kid: 1 }, 'its kid is not a string (RFC 7517 4.5)'],
    ['another use', { ...RSA, use: 'signature' }, 'its use is not "sig"'],
    ['a use that is a list', { ...RSA, use: ['sig'] }, 'its use is not "sig"'],
    ['no operation', { ...RSA, key_ops: [] }, 'its key_ops don\'t include "verify"'],
    ['the operation sign', { ...RSA, key_ops: ['sign'] }, 'its key_ops don\'t include "verify"'],
    ['operations that are a string', { ...RSA, key_ops: 'verify' }, 'its key_ops don\'t include "verify"'],
    ['an algorithm of another name', { ...RSA, alg: 'RSA256' }, 'its alg "RSA256" doesn\'t fit its type'],
    ['an algorithm of another type', { ...RSA, alg: 'ES256' }, 'its alg "ES256" doesn\'t fit its type'],
    ['an algorithm of another curve', { ...EC, alg: 'ES384' }, 'its alg "ES384" doesn\'t fit its type'],
    [
      'a private RSA key',
      { ...rsa.privateKey.export({ format: 'jwk' }), kid: 'r' },
      'its private part is published',
    ],
    [
      'a private EC key',
      { ...p256.privateKey.export({ format: 'jwk' }), use: 'enc' },
      'its private part is published',
    ],
    ['a symmetric key', { kty: 'oct', k: 'AAAA' }, 'its secret is published, so anyone can sign'],
  ])('a key with a mistake is broken: %s', (_, key, why) => {
    const { used, broken, ignored } = whyOf(key)
    expect([used, ignored]).toEqual([0, []])
    expect(broken).toEqual([expect.stringContaining(why)])
  })

  test.each<[unknown, string]>([
    [{ ...RSA, use: 'enc' }, 'it is for encryption'],
    [{ ...RSA, alg: 'RSA-OAEP-256' }, 'it is for encryption'],
    [{ ...EC, alg: 'ECDH-ES+A128KW' }, 'it is for encryption'],
    [{ kty: 'AKP', alg: 'ML-DSA-65', pub: 'AAAA' }, 'its type is not supported'],
    [{ kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA' }, 'its type is not supported'],
    [{ kty: 'OKP', crv: 'Ed448', x: 'AA' }, 'its type is not supported'],
    [{ kty: 'OKP', crv: 'X25519', x: 'AA' }, 'its type is not supported'],
    [{ kty: 'OKP', crv: 'P-256', x: 'AA' }, 'its type is not supported'],
    [{ kty: 'EC', crv: 'Ed25519', x: 'AA' }, 'its type is not supported'],
    [{ kty: 'EC', crv: 'constructor', x: 'AA' }, 'its type is not supported'],
    [{ kty: ['RSA'] }, 'its type is not supported'],
    [{}, 'its type is not supported'],
  ])('a key that is meant for something else is ignored: %j', (key, why) => {
    expect(whyOf(key)).toEqual({ used: 0, broken: [], ignored: [why] })
  })

  test('the public half of a private key that is in the same set is not used either', () => {
    const { d: _, ...half } = p256.privateKey.export({ format: 'jwk' })
    const y = Buffer.from(`${half.y}`, 'base64url').toString('base64')
    const set = whyOf({ ...half, y, kid: 'half' }, p256.privateKey.export({ format: 'jwk' }), RSA)
    expect([set.used, set.broken.length]).toEqual([1, 2])
    // Without any number to compare, a private key says nothing about others.
    expect(whyOf({ kty: 'oct', k: 'AAAA' }, { kty: 'RSA' }).broken[1]).toBe('it has no n and e')
  })

  test('members of a set that are not keys, and what is not a set, have no keys', () => {
    expect(read(null, 'key', 1, [], RSA).keys).toEqual([RSA])
    for (const set of [
      null,
      undefined,
      1,
      'keys',
      [],
      [RSA],
      {},
      { keys: RSA },
      { keys: null },
      { keys: {} },
    ]) {
      expect(usableKeys(set)).toEqual({ keys: [], broken: [], ignored: [] })
    }
  })
})

describe('descriptions', () => {
  test('a key is described by its id, or by its position in the set if it has none', () => {
    const set = read(RSA, null, { kty: 'RSA' }, { kty: 'RSA', kid: 'x' }, { ...RSA, use: 'enc', kid: 'y' })
    expect(describeBroken(set)).toEqual([
      'key 3 (without a kid) is not used: it has no n and e',
      'kid "x" is not used: it has no n and e',
    ])
    expect(describeUnused(set)).toBe(
      'key 3 (without a kid): it has no n and e; kid "x": it has no n and e; kid "y": it is for encryption',
    )
    expect(describeUnused(read(RSA))).toBe('')
  })

  test('an id is cut and escaped, and no more than ten keys are described', () => {
    const long = `\u001b[2J\n\u202e${'k'.repeat(300)}`
    const [line = ''] = describeBroken(read({ kty: 'RSA', kid: long }))
    expect(line).toBe(`kid "\\u{1b}[2J\\u{a}\\u{202e}${'k'.repeat(58)}…" is not used: it has no n and e`)
    const many = describeBroken(read(...Array.from({ length: 25 }, (_, i) => ({ kty: 'RSA', kid: `${i}` }))))
    expect([many.length, many.at(-1)]).toEqual([11, '15 more keys are not used'])
  })

  test('a value of a key never breaks a line', () => {
    const [line] = describeBroken(read({ ...RSA, alg: '\r\nmediaward: all is well' }))
    expect(line).not.toMatch(/[\r\n]/)
  })
})
