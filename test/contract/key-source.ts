import type { JSONWebKeySet } from 'jose'
import { describe, expect, test } from 'vitest'
import { createDiscoveryLoader } from '../../src/authenticate/keys/discovery.ts'
import { KEY_HTTP } from '../../src/authenticate/keys/fetch-keys.ts'
import { createInlineKeys, type KeySource } from '../../src/authenticate/keys/key-source.ts'
import {
  createFunctionLoader,
  createUriLoader,
  type LoadKeys,
} from '../../src/authenticate/keys/load-keys.ts'
import { createRemoteKeys, REMOTE_KEYS } from '../../src/authenticate/keys/remote-keys.ts'
import { publicKey } from '../support/public-keys.ts'

// What every adapter of the port KeySource must do, whatever its own ways of failing are.

const keep = () => {}

export function keySourceContract(name: string, create: (keys: JSONWebKeySet) => KeySource): void {
  describe(`${name} as a key source`, () => {
    const keys = { keys: [publicKey('a'), { kty: 'RSA', kid: 'broken' }, { kty: 'AKP', kid: 'other' }] }
    const published = keys as unknown as JSONWebKeySet

    test('a key source returns its usable keys, and the same object while they are the same', async () => {
      const source = create(published)
      const first = await source.current(0, keep)
      expect(first.keys).toEqual([publicKey('a')])
      expect(await source.current(1, keep)).toBe(first)
      expect(await source.current(3_600_000, keep)).toBe(first)
    })

    test('a key source distinguishes keys that cannot be used from keys that are meant for something else', async () => {
      const { broken, ignored } = await create(published).current(0, keep)
      expect([broken.map(({ kid }) => kid), ignored.map(({ kid }) => kid)]).toEqual([['broken'], ['other']])
    })

    test('seeking newer keys changes nothing if there are none', async () => {
      const source = create(published)
      const first = await source.current(0, keep)
      expect(await source.newer(1, keep)).toBe(first)
      expect(await source.current(2, keep)).toBe(first)
    })

    test('concurrent calls of a key source get the same keys', async () => {
      const source = create(published)
      const calls = Array.from({ length: 20 }, (_, i) =>
        i % 2 === 0 ? source.current(0, keep) : source.newer(0, keep),
      )
      expect(new Set(await Promise.all(calls)).size).toBe(1)
    })
  })
}

/** Runs the contract of every adapter. */
export function keySourceContracts(): void {
  const http = (documents: Readonly<Record<string, unknown>>) => ({
    ...KEY_HTTP,
    fetch: async (input: unknown) => {
      const document = documents[String(input)]
      return document === undefined ? new Response('no', { status: 404 }) : Response.json(document)
    },
  })
  const remote = (load: LoadKeys) => createRemoteKeys(load, { ...REMOTE_KEYS, warn: () => {} })
  const jwks_uri = 'https://idp.test/jwks'

  keySourceContract('the configuration', jwks => createInlineKeys(jwks))
  keySourceContract('a key server', keys => remote(createUriLoader(jwks_uri, http({ [jwks_uri]: keys }))))
  keySourceContract('a function', keys => remote(createFunctionLoader(async () => keys)))
  for (const path of ['openid-configuration', 'oauth-authorization-server']) {
    keySourceContract(`discovery by ${path}`, keys => {
      const issuer = 'https://idp.test'
      const documents = { [`${issuer}/.well-known/${path}`]: { issuer, jwks_uri }, [jwks_uri]: keys }
      return remote(createDiscoveryLoader(issuer, false, http(documents)))
    })
  }
}
