import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { checkIssuers } from '../../../src/config/check-issuers.ts'
import { publicKey } from '../../support/public-keys.ts'

// Where an issuer's keys are, as its entry says it.

const entry = { issuer: 'https://idp.test/', audience: 'recordings', algorithms: ['ES256'] }
const mistakes = (members: object) =>
  checkIssuers([{ ...entry, ...members }], {}).map(([at, what]) => `${at} ${what}`)

describe('places of keys that are accepted', () => {
  test.each<[object]>([
    [{ jwks_uri: 'https://idp.test/jwks?appid=1' }],
    // Duende's key set.
    [{ jwks_uri: 'https://idp.test/.well-known/openid-configuration/jwks' }],
    [{ jwks_uri: 'http://127.0.0.1:8080/jwks' }],
    [{ jwks_uri: 'http://keycloak.auth.svc/realms/clinic/certs', allow_http_keys: true }],
    [{ jwks_uri: 'https://idp.test/jwks', discovery: false }],
    [{ discovery: true }],
    [{ discovery: true, issuer: 'http://localhost:8080/realms/clinic' }],
    [{ discovery: true, issuer: 'http://keycloak.auth.svc:8080/realms/clinic', allow_http_keys: true }],
    [{ jwks: { keys: [publicKey('a')] } }],
    [{ jwks: async () => ({ keys: [] }) }],
  ])('%j', members => {
    expect(mistakes(members)).toEqual([])
  })
})

describe('one place', () => {
  test.each<[object, string]>([
    [{}, '[0] must have jwks_uri, discovery or jwks'],
    [{ discovery: false }, '[0] must have jwks_uri, discovery or jwks'],
    [
      { discovery: true, jwks_uri: 'https://idp.test/jwks' },
      '[0] has jwks_uri and discovery: take all but one of them away',
    ],
    [
      { discovery: true, jwks: { keys: [publicKey('a')] } },
      '[0] has discovery and jwks: take all but one of them away',
    ],
  ])('an entry of %j is refused', (members, mistake) => {
    expect(mistakes(members)).toEqual([mistake])
  })
})

describe('jwks_uri', () => {
  const HTTPS = 'must be an https URL without user or password'
  test.each<[unknown, string]>([
    ['http://keys.auth.svc/jwks', `${HTTPS} (within a network of your own, set allow_http_keys)`],
    [' https://idp.test/jwks', `${HTTPS}, with no blank and no placeholder`],
    ['https://idp.test/jwks\n', `${HTTPS}, with no blank and no placeholder`],
    ['https://idp.test/{tenantid}/jwks', `${HTTPS}, with no blank and no placeholder`],
    ['https://u:p@idp.test/jwks', HTTPS],
    ['ftp://idp.test/jwks', HTTPS],
    ['/jwks', HTTPS],
    [1, HTTPS],
    [
      'https://idp.test/.well-known/openid-configuration',
      'must be the URL of a key set, not of a discovery document: set "discovery": true in its place',
    ],
    [
      'https://idp.test/a/.well-known/openid-configuration/?p=b',
      'must be the URL of a key set, not of a discovery',
    ],
    [
      'https://idp.test/.well-known/oauth-authorization-server/a',
      'must be the URL of a key set, not of a discovery',
    ],
    [
      'https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com',
      'must be the URL of a key set, not of certificates: the same keys are at https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com',
    ],
  ])('%j is refused', (jwks_uri, mistake) => {
    const found = mistakes({ jwks_uri })
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`[0].jwks_uri ${mistake}`)
  })

  test.each(['ftp://idp.test/jwks', 'http://u:p@idp.test/jwks', 'file:///jwks'])(
    'allow_http_keys allows nothing but http: %s is refused',
    jwks_uri => {
      expect(mistakes({ jwks_uri, allow_http_keys: true })).toHaveLength(1)
    },
  )
})

test.each<[unknown, string, string]>([
  ['yes', entry.issuer, 'must be true or false'],
  [
    true,
    'idp',
    'needs an issuer that is an https URL without user, password, query or fragment, or use jwks_uri',
  ],
  [true, 'https://idp.test/?tenant=1', 'needs an issuer'],
  [true, 'https://idp.test/#a', 'needs an issuer'],
  [true, 'http://idp.test/', '(within a network of your own, set allow_http_keys), or use jwks_uri'],
])('discovery %j for the issuer %s is refused', (discovery, issuer, mistake) => {
  const found = mistakes({ discovery, issuer })
  expect(found).toHaveLength(1)
  expect(found[0]).toContain('[0].discovery ')
  expect(found[0]).toContain(mistake)
})

test('allow_http_keys is true or false', () => {
  expect(mistakes({ discovery: true, allow_http_keys: 'yes' })).toEqual([
    '[0].allow_http_keys must be true or false',
  ])
})

describe('keys in the configuration', () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })

  test.each<[object[], string]>([
    [
      [{ ...weak, kid: 'w' }],
      'must hold a key that can be used: kid "w": it has 1024 bits, and RSA needs 2048',
    ],
    [
      [{ kty: 'RSA', kid: 'x', x5c: ['MIIC'] }],
      'kid "x": it has no n and e: a certificate (x5c) is not enough',
    ],
    [[{ kty: 'RSA', kid: 'n' }], 'kid "n": it has no n and e'],
    [[{ ...publicKey('e'), use: 'enc' }], 'kid "e": it is for encryption'],
    [[{ ...publicKey('a'), alg: 'ES384' }], 'kid "a": its alg "ES384" doesn\'t fit its type'],
    [[{ kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43) }], 'holds no key for any of its algorithms'],
  ])('a set without a usable key keeps the gate from starting: %j', (keys, mistake) => {
    const [found, ...others] = mistakes({ jwks: { keys } })
    expect(found).toContain('[0].jwks ')
    expect(found).toContain(mistake)
    expect(others).toEqual([])
  })

  test.each<[object]>([
    [{ use: null, alg: null, kid: null }],
    [{ ext: false }],
    [{ key_ops: ['sign', 'verify'] }],
  ])('a good key with %j is used', members => {
    expect(mistakes({ jwks: { keys: [{ ...publicKey(), ...members }] } })).toEqual([])
  })

  test.each(['EdDSA', 'Ed25519'])('an Ed25519 key of either name is one for the algorithm %s', algorithm => {
    for (const alg of ['EdDSA', 'Ed25519', undefined]) {
      const key = { kty: 'OKP', crv: 'Ed25519', x: 'A'.repeat(43), alg }
      expect(mistakes({ algorithms: [algorithm], jwks: { keys: [key] } })).toEqual([])
    }
  })
})
