import { CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { verifySignature } from '../../../../src/authenticate/access-token.ts'

const create = async (kid?: string) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk: JWK = { ...(await exportJWK(publicKey)), ...(kid !== undefined && { kid }) }
  const sign = (named?: string) =>
    new CompactSign(new TextEncoder().encode('{}'))
      .setProtectedHeader({ alg: 'ES256', ...(named !== undefined && { kid: named }) })
      .sign(privateKey)
  return { jwk, sign }
}
const [named, unnamed, other] = await Promise.all([create('a'), create(), create()])
const verdict = async (token: string, ...keys: JWK[]) =>
  (await verifySignature(token, { keys }, ['ES256']))?.reason ?? 'good'

describe('a key without an id', () => {
  test('a token that names an id is verified by a key without one if no key has that id', async () => {
    expect(await verdict(await unnamed.sign('b'), unnamed.jwk)).toBe('good')
    expect(await verdict(await unnamed.sign('b'), named.jwk, unnamed.jwk)).toBe('good')
    expect(await verdict(await unnamed.sign('b'), named.jwk, other.jwk, unnamed.jwk)).toBe('good')
  })

  test('a token that names the id of a key is verified by that key alone', async () => {
    expect(await verdict(await unnamed.sign('a'), named.jwk, unnamed.jwk)).toBe('token_signature')
    expect(await verdict(await named.sign('a'), unnamed.jwk, named.jwk)).toBe('good')
  })

  test('a token of an unknown id is refused for its key if every key has an id, and else for its signature', async () => {
    expect(await verdict(await named.sign('b'), named.jwk)).toBe('token_key_unknown')
    expect(await verdict(await named.sign('b'), named.jwk, unnamed.jwk)).toBe('token_signature')
    const curve: JWK = { ...unnamed.jwk, crv: 'P-384' }
    expect(await verdict(await named.sign('b'), named.jwk, curve)).toBe('token_key_unknown')
  })
})
