import { describe, expect, test } from 'vitest'
import { createDiscoveryLoader, metadataUrls } from '../../../../src/authenticate/keys/discovery.ts'
import { KEY_HTTP } from '../../../../src/authenticate/keys/fetch-keys.ts'
import { createRemoteKeys } from '../../../../src/authenticate/keys/remote-keys.ts'
import { keySet } from '../../../support/public-keys.ts'

const ISSUER = 'https://idp.test/tenant/'
const OPENID = 'https://idp.test/tenant/.well-known/openid-configuration'
const OAUTH = 'https://idp.test/.well-known/oauth-authorization-server/tenant'
const JWKS = 'https://keys.test/jwks?tenant=1'
const limits = { signal: new AbortController().signal, timeout: 50 }

type Answer = object | number | string

/** An issuer's servers, whose answers can be changed, and which list what they were asked for. */
function servers(answers: Record<string, Answer>, issuer = ISSUER, allowHttp = false) {
  const state = { answers, asked: [] as string[] }
  const fetch = async (input: unknown) => {
    state.asked.push(String(input))
    const answer = state.answers[String(input)] ?? 404
    if (typeof answer === 'number') return new Response('no', { status: answer })
    return typeof answer === 'string' ? new Response(answer) : Response.json(answer)
  }
  return { state, load: createDiscoveryLoader(issuer, allowHttp, { ...KEY_HTTP, fetch }) }
}
const document = { issuer: ISSUER, jwks_uri: JWKS, id_token_signing_alg_values_supported: ['none', 'HS256'] }

test.each([
  ['https://idp.test', 'https://idp.test/.well-known/openid-configuration', ''],
  ['https://idp.test/', 'https://idp.test/.well-known/openid-configuration', ''],
  ['https://idp.test/a/b', 'https://idp.test/a/b/.well-known/openid-configuration', '/a/b'],
  ['https://idp.test:8443/a/', 'https://idp.test:8443/a/.well-known/openid-configuration', '/a'],
])('the metadata of %s is looked for after its path, and before it', (issuer, openid, path) => {
  const { origin } = new URL(issuer)
  expect(metadataUrls(issuer)).toEqual([openid, `${origin}/.well-known/oauth-authorization-server${path}`])
})

describe('finding the keys', () => {
  test('the keys are fetched from the jwks_uri of the OpenID document, and no other document is asked for', async () => {
    const { state, load } = servers({ [OPENID]: document, [JWKS]: keySet('a') })
    expect(await load(limits)).toEqual(keySet('a'))
    expect(state.asked).toEqual([OPENID, JWKS])
  })

  test.each<[string, Answer]>([
    ['the status 404', 404],
    ['the status 403', 403],
    ['a redirect', 302],
    ['a page', '<html>'],
  ])('the document of RFC 8414 is asked for if the OpenID document is %s', async (_, answer) => {
    const { state, load } = servers({ [OPENID]: answer, [OAUTH]: document, [JWKS]: keySet('a') })
    expect(await load(limits)).toEqual(keySet('a'))
    expect(state.asked).toEqual([OPENID, OAUTH, JWKS])
  })

  test.each<[string, Answer]>([
    ['the status 500', 500],
    ['the status 429', 429],
    ['a document of another issuer', { ...document, issuer: 'https://idp.test/tenant' }],
    ['a document without keys', { issuer: ISSUER }],
  ])('nothing else is asked for if the OpenID document is %s', async (_, answer) => {
    const { state, load } = servers({ [OPENID]: answer, [OAUTH]: document, [JWKS]: keySet('a') })
    await expect(load(limits)).rejects.toMatchObject({ name: 'KeyFault' })
    expect(state.asked).toEqual([OPENID])
  })

  test('if neither document is there, the operator reads what both addresses answered', async () => {
    const { load } = servers({ [OPENID]: 404, [OAUTH]: 500 })
    await expect(load(limits)).rejects.toThrow(
      `${OPENID} answered with status 404, and ${OAUTH} answered with status 500`,
    )
  })
})

describe('the document', () => {
  const failure = async (members: object, issuer = ISSUER, allowHttp = false) => {
    const [openid] = metadataUrls(issuer)
    const { state, load } = servers({ [openid]: { ...document, issuer, ...members } }, issuer, allowHttp)
    const error = await load(limits).catch(error => error)
    return { message: error.message as string, asked: state.asked.length }
  }

  test.each([
    ['https://idp.test/tenant', `names the issuer "https://idp.test/tenant", not "${ISSUER}"`],
    ['https://IDP.test/tenant/', 'names the issuer'],
    ['https://evil.test/\n', 'names the issuer "https://evil.test/\\u{a}"'],
    [[ISSUER], 'names no issuer'],
    [undefined, 'names no issuer'],
  ])('a document of the issuer %j is refused, and no key is fetched', async (issuer, message) => {
    const failed = await failure({ issuer })
    expect(failed.message).toContain(message)
    expect(failed.asked).toBe(1)
  })

  test.each<[unknown, string, string, boolean]>([
    [undefined, 'names no jwks_uri', ISSUER, false],
    [1, 'names no jwks_uri', ISSUER, false],
    ['/jwks', 'names no jwks_uri', ISSUER, false],
    ['https://u:SECRET@idp.test/jwks', 'names no jwks_uri', ISSUER, false],
    ['http://idp.test/jwks?SECRET', 'a jwks_uri that is not https: http://idp.test/jwks', ISSUER, false],
    ['http://127.0.0.1/jwks', 'a jwks_uri that is not https', ISSUER, false],
    ['http://idp.test/jwks', 'a jwks_uri that is not https', 'http://127.0.0.1:8080/', false],
    ['file:///etc/passwd', 'a jwks_uri that is not https', ISSUER, true],
    ['data:application/json,{}', 'a jwks_uri that is not https', ISSUER, true],
  ])('a jwks_uri of %j is refused and not fetched', async (jwks_uri, message, issuer, allowHttp) => {
    const failed = await failure({ jwks_uri }, issuer, allowHttp)
    expect(failed.message).toContain(message)
    expect(failed.message).not.toContain('SECRET')
    expect(failed.asked).toBe(1)
  })

  test.each([
    ['http://127.0.0.1:9000/jwks', 'http://localhost:8080/', false],
    ['http://keys.auth.svc/jwks', 'https://idp.test', true],
    ['https://keys.test/jwks', 'http://keycloak.auth.svc:8080/realms/clinic', true],
  ])('a jwks_uri of %j is fetched for the issuer %s', async (jwks_uri, issuer, allowHttp) => {
    const [openid] = metadataUrls(issuer)
    const answers = { [openid]: { issuer, jwks_uri }, [jwks_uri]: keySet('a') }
    expect(await servers(answers, issuer, allowHttp).load(limits)).toEqual(keySet('a'))
  })
})

describe('a jwks_uri that moves', () => {
  const moved = 'https://keys.test/moved'
  const at = (uri: string) => ({
    [OPENID]: { ...document, jwks_uri: uri },
    [JWKS]: keySet('a'),
    [moved]: keySet('b'),
  })

  test('each load asks the metadata where the keys are', async () => {
    const { state, load } = servers(at(JWKS))
    await load(limits)
    state.answers = at(moved)
    expect(await load(limits)).toEqual(keySet('b'))
    expect(state.asked).toEqual([OPENID, JWKS, OPENID, moved])
  })

  test('a token of the new key makes the gate look there, while the old place still answers', async () => {
    const { state, load } = servers(at(JWKS))
    const keys = createRemoteKeys(load)
    const keep = () => {}
    expect(await keys.current(0, keep)).toEqual(keySet('a'))
    state.answers = at(moved)
    expect(await keys.newer(1, keep)).toEqual(keySet('b'))
    // Nor does a stranger keep the old key in force with tokens of unknown keys.
    expect(await keys.current(2, keep)).toEqual(keySet('b'))
  })
})
