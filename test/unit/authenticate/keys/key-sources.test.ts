import { describe, expect, test } from 'vitest'
import type { Issuer } from '../../../../src/authenticate/issuer.ts'
import { KEY_HTTP } from '../../../../src/authenticate/keys/fetch-keys.ts'
import { KEYS_FIX } from '../../../../src/authenticate/keys/key-fault.ts'
import { createKeySources } from '../../../../src/authenticate/keys/key-sources.ts'
import { REMOTE_KEYS } from '../../../../src/authenticate/keys/remote-keys.ts'
import { keySet, publicKey } from '../../../support/public-keys.ts'

const keep = () => {}

/** The sources of one gate, with the servers of all its issuers. */
function sources(answer: (url: string) => Response = () => Response.json(keySet('a'))) {
  const asked: string[] = []
  const said: string[] = []
  const sourceOf = createKeySources({
    http: {
      ...KEY_HTTP,
      fetch: async input => {
        asked.push(String(input))
        return answer(String(input))
      },
    },
    remote: { ...REMOTE_KEYS, warn: message => void said.push(message) },
  })
  const create = (issuer: string, more: Partial<Issuer> = {}) =>
    sourceOf({ issuer, audience: 'recordings', algorithms: ['ES256'], ...more })
  return { asked, said, create }
}

describe('sharing', () => {
  test('twenty issuers with one jwks_uri cost one fetch', async () => {
    const { asked, create } = sources()
    const all = Array.from({ length: 20 }, (_, i) =>
      create(`https://login.test/${i}`, { jwks_uri: 'https://login.test/keys' }),
    )
    await Promise.all(all.map(source => source.current(0, keep)))
    expect(asked).toEqual(['https://login.test/keys'])
  })

  test('two jwks_uris that differ in their query are two places', async () => {
    const { asked, create } = sources()
    for (const policy of ['a', 'b']) {
      await create('https://b2c.test/', { jwks_uri: `https://b2c.test/keys?p=${policy}` }).current(0, keep)
    }
    expect(asked).toEqual(['https://b2c.test/keys?p=a', 'https://b2c.test/keys?p=b'])
  })

  test('two entries of one issuer are discovered once, and two issuers on their own', async () => {
    const { asked, create } = sources(url =>
      url.endsWith('/keys')
        ? Response.json(keySet('a'))
        : Response.json({ issuer: new URL(url).origin, jwks_uri: `${new URL(url).origin}/keys` }),
    )
    for (const issuer of ['https://a.test', 'https://a.test', 'https://b.test']) {
      expect(await create(issuer, { discovery: true }).current(0, keep)).toEqual(keySet('a'))
    }
    expect(asked).toHaveLength(4)
  })

  test('an entry that does not accept plain HTTP does not share the keys of one that does', async () => {
    const { create } = sources(url =>
      url.endsWith('/keys')
        ? Response.json(keySet('a'))
        : Response.json({ issuer: 'https://a.test', jwks_uri: 'http://a.test/keys' }),
    )
    const lax = create('https://a.test', { discovery: true, allow_http_keys: true })
    expect(await lax.current(0, keep)).toEqual(keySet('a'))
    const strict = create('https://a.test', { discovery: true })
    await expect(strict.current(0, keep)).rejects.toMatchObject({ reason: 'keys_unavailable' })
  })

  test('one function of two entries is called once, and two gates share nothing', async () => {
    let calls = 0
    const jwks = () => {
      calls++
      return keySet('a')
    }
    const { create } = sources()
    for (const issuer of ['https://a.test', 'https://b.test']) await create(issuer, { jwks }).current(0, keep)
    expect(calls).toBe(1)
    await sources().create('https://a.test', { jwks }).current(0, keep)
    expect(calls).toBe(2)
  })
})

describe('what the operator reads', () => {
  test('a failed fetch names the issuer, and how many others need the same keys', async () => {
    const { said, create } = sources(() => new Response('no', { status: 404 }))
    const [one] = ['https://a.test', 'https://b.test', 'https://b.test', 'https://c.test'].map(issuer =>
      create(issuer, { jwks_uri: 'https://login.test/keys?secret=SECRET' }),
    )
    await one?.current(0, keep).catch(() => {})
    expect(said).toEqual([
      `keys of https://a.test and 2 more: https://login.test/keys answered with status 404; there are no older ones. To fix it: ${KEYS_FIX}`,
    ])
  })

  test('a key of the configuration that cannot be used is named at start', async () => {
    const { said, create } = sources()
    const jwks = { keys: [publicKey('a'), { kty: 'RSA', kid: 'b' }, { kty: 'AKP' }] }
    const source = create('https://a.test', { jwks: jwks as never })
    expect((await source.current(0, keep)).keys).toEqual([publicKey('a')])
    expect(said).toEqual(['keys of https://a.test: kid "b" is not used: it has no n and e'])
  })
})

test('an entry that does not say where its keys are is an error', () => {
  expect(() => sources().create('https://a.test')).toThrow("doesn't say where its keys are")
  expect(() => sources().create('https://a.test', { discovery: false })).toThrow("doesn't say where")
})

describe('an entry that introspects', () => {
  const introspection = { url: 'https://a.test/introspect', client_id: 'gate', client_secret: 'x' }

  test.each<[string, Partial<Issuer>, number]>([
    ['jwks_uri', { jwks_uri: 'https://a.test/keys' }, 1],
    ['discovery', { discovery: true }, 2],
    ['a function', { jwks: () => keySet('a') }, 0],
  ])('has keys for signed tokens, too: by %s', async (_, more, fetches) => {
    const { asked, create } = sources(url =>
      Response.json(
        url.endsWith('/keys') ? keySet('a') : { issuer: 'https://a.test', jwks_uri: 'https://a.test/keys' },
      ),
    )
    expect(await create('https://a.test', { introspection, ...more }).current(0, keep)).toEqual(keySet('a'))
    expect(asked).toHaveLength(fetches)
  })

  test('needs none, and fetches none', async () => {
    const { asked, create } = sources()
    expect((await create('https://a.test', { introspection }).current(0, keep)).keys).toEqual([])
    expect(asked).toEqual([])
  })
})
