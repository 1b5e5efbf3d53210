import { describe, expect, test } from 'vitest'
import { KEY_HTTP } from '../../../../src/authenticate/keys/fetch-keys.ts'
import { createFunctionLoader, createUriLoader } from '../../../../src/authenticate/keys/load-keys.ts'
import { keySet, publicKey } from '../../../support/public-keys.ts'

const limits = { signal: new AbortController().signal, timeout: 50 }
const PEM = '-----BEGIN CERTIFICATE-----\nMIIC'

const loaded = (document: unknown) =>
  createUriLoader('https://idp.test/jwks', { ...KEY_HTTP, fetch: async () => Response.json(document) })(
    limits,
  )

describe('a key set from a URL', () => {
  test('a set is loaded with its usable keys', async () => {
    expect(await loaded(keySet('a'))).toEqual(keySet('a'))
  })

  test.each<[unknown, string]>([
    [{ keys: [] }, 'has no keys: an issuer that signs with a shared secret publishes none'],
    [{ keys: 'none' }, 'has no keys'],
    [
      {
        keys: [
          { kty: 'RSA', kid: 'a' },
          { ...publicKey('b'), use: 'enc' },
        ],
      },
      'has no key for signatures: kid "a": it has no n and e; kid "b": it is for encryption',
    ],
    [
      { issuer: 'https://idp.test', jwks_uri: 'https://idp.test/jwks' },
      'is a discovery document, not a key set: set "discovery": true, or the jwks_uri that is in it',
    ],
    [publicKey('a'), 'is a single key, not a JWK set'],
    [[publicKey('a')], 'is a list, not a JWK set'],
    [{ a: PEM, b: PEM }, 'is a map of certificates or PEM keys, not a JWK set'],
    [{ jwks: keySet('a') }, 'is not a JWK set (RFC 7517 5)'],
    [{}, 'is not a JWK set (RFC 7517 5)'],
    [null, 'is not a JWK set (RFC 7517 5)'],
    [1, 'is not a JWK set (RFC 7517 5)'],
  ])('what is not a set with a usable key is refused and named: %j', async (document, why) => {
    const error = await loaded(document).catch(error => error)
    expect(error).toMatchObject({ name: 'KeyFault' })
    expect(error.message).toContain(`https://idp.test/jwks ${why}`)
  })
})

describe('a key set from a function', () => {
  test('a set is taken from a function, and from its promise', async () => {
    expect(await createFunctionLoader(() => keySet('a'))(limits)).toEqual(keySet('a'))
    expect(await createFunctionLoader(async () => keySet('b'))(limits)).toEqual(keySet('b'))
  })

  test.each<[string, () => never, string]>([
    [
      'throws',
      () => {
        throw new RangeError('SECRET')
      },
      'the function jwks failed (RangeError)',
    ],
    [
      'rejects',
      (() => Promise.reject(new Error('SECRET'))) as () => never,
      'the function jwks failed (Error)',
    ],
    [
      'never ends',
      (() => new Promise(() => {})) as () => never,
      'the function jwks failed (no answer in time)',
    ],
    ['returns nothing', (() => undefined) as () => never, 'the function jwks is not a JWK set (RFC 7517 5)'],
  ])('a function that %s is a fault that does not show its message', async (_, compute, message) => {
    const fix = 'let it resolve to a JWK set with usable keys, within five seconds'
    await expect(createFunctionLoader(compute)(limits)).rejects.toMatchObject({
      ...{ name: 'KeyFault', message, fix },
    })
  })
})
