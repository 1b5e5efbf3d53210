import { describe, expect, test } from 'vitest'
import { checkOptions } from '../../../src/config/check-options.ts'
import { readVariables } from '../../../src/config/variables.ts'
import { locationsUnder } from '../../../src/locate/location.ts'
import { createIssuer } from '../../support/gate-client.ts'

const idp = await createIssuer()
const issuer = idp.entry()
const good = { ISSUERS: JSON.stringify([issuer]), PSEUDONYM_KEY: 'x'.repeat(32) }

function check(variables: Record<string, unknown>): void {
  const { ledgerShards: _, ...options } = readVariables(variables)
  checkOptions(options)
}
const withIssuer = (changes: Record<string, unknown>) => ({
  ...good,
  ISSUERS: JSON.stringify([{ ...issuer, ...changes }]),
})

test('locations are accepted if no two recordings can share a key', () => {
  for (const [one, other] of [
    // Aliases: the same key for the same recording.
    ['videos/:recording', 'videos/:recording'],
    ['videos/:recording.mp4', 'videos/:recording.jpg'],
    ['videos/:recording', 'stills/:recording'],
    ['videos/:recording', 'stills/:recording.jpg'],
  ]) {
    const locations = [
      { url: '/v/:recording', key: one },
      { url: '/t/:recording', key: other },
    ]
    check({ ...good, LOCATIONS: JSON.stringify(locations) })
  }
  check({ ...good, LOCATIONS: JSON.stringify(locationsUnder('/recordings')) })
})

test('the rules that a gate responds to, and those that only try, are lists of known rules', () => {
  const { respond, dryRun } = readVariables({ ...good, RESPOND: 'RG-002, RG-022', RULES_DRY_RUN: 'RG-008' })
  expect([respond, dryRun]).toEqual([['RG-002', 'RG-022'], ['RG-008']])
  expect(() => readVariables({ ...good, RESPOND: 'RG-001' })).toThrow(
    'RESPOND[0] (respond[0]) must be RG-002',
  )
  // A rule with a typing error would be in force, and its gate believed to try it only.
  for (const RULES_DRY_RUN of ['RG-999', 'RG-040'])
    expect(() => readVariables({ ...good, RULES_DRY_RUN })).toThrow('RULES_DRY_RUN[0] (dryRun[0])')
})

test('correct variables are accepted', () => {
  check(good)
  check({
    ...good,
    MEDIA_PREFIX: '/media/v1',
    ALLOWED_ORIGINS: 'https://app.clinic.test, http://localhost:3000, capacitor://localhost',
    ALLOWED_HEADERS: 'X-App-Version, b3, x_b3-TraceId',
    CONCEALED_STATUS: '403',
    LEDGER_SHARDS: '16',
  })
  check(
    withIssuer({
      jwks: undefined,
      jwks_uri: 'https://idp.test/jwks',
      audience: ['a', 'b'],
      max_age_s: 60,
      clock_tolerance_s: 0,
    }),
  )
  for (const url of [
    'https://media.clinic.test',
    'https://media.clinic.test:8443',
    'http://localhost:8787',
    'http://demo.localhost',
    'http://127.0.0.1:8787',
    'http://[::1]:8787',
  ]) {
    check({ ...good, TICKET_KEY: 'k'.repeat(32), PUBLIC_URL: url })
  }
  check(withIssuer({ jwks: undefined, jwks_uri: 'http://127.0.0.1:9999/jwks' }))
  for (const dpop of ['accepted', 'required']) {
    check({ ...withIssuer({ dpop, allow_unbound: false }), PUBLIC_URL: 'https://gate.test' })
  }
  expect(readVariables({ ...good, MEDIA_PREFIX: '/m' }).locations?.[0]?.url).toBe('/m/:recording')
})

describe('mistakes', () => {
  test.each<[Record<string, unknown>, RegExp]>([
    [{ ...good, ISSUERS: '' }, /ISSUERS \(issuers\) must be a list of at least one/],
    [{ ...good, ISSUERS: '[]' }, /ISSUERS \(issuers\) must be a list of at least one/],
    [
      { ...good, ISSUERS: '{"issuer":"https://secret.test"' },
      /ISSUERS \(issuers\) is not valid JSON: check quotes/,
    ],
    [{ ...good, ISSUERS: '{}' }, /ISSUERS \(issuers\) must be a JSON list: put "\["/],
    [{ ...good, ISSUERS: '[1]' }, /ISSUERS\[0\] \(issuers\[0\]\) must be an object/],
    [
      { ...good, ISSUERS: JSON.stringify([issuer, issuer]) },
      /ISSUERS\[1\] \(issuers\[1\]\) has the issuer of \[0\], and a token could fit both/,
    ],
    [
      withIssuer({ issuer: undefined }),
      /ISSUERS\[0\]\.issuer \(issuers\[0\]\.issuer\) is missing: it must be/,
    ],
    [withIssuer({ issuer: '' }), /ISSUERS\[0\]\.issuer \(.*\) must be a non-empty string/],
    [
      withIssuer({ audience: undefined }),
      /ISSUERS\[0\] \(.*\) must have audience \(the "aud" of its tokens\) or/,
    ],
    [withIssuer({ audience: [] }), /ISSUERS\[0\]\.audience \(.*\) must name/],
    [withIssuer({ audience: ['a', ''] }), /ISSUERS\[0\]\.audience \(.*\) must name/],
    [withIssuer({ algorithms: undefined }), /ISSUERS\[0\]\.algorithms \(.*\) is missing: it must list/],
    [withIssuer({ algorithms: [] }), /ISSUERS\[0\]\.algorithms \(.*\) must list/],
    [withIssuer({ algorithms: 'ES256' }), /ISSUERS\[0\]\.algorithms \(.*\) must list/],
    [withIssuer({ algorithms: ['HS256'] }), /algorithms\) must list .*"HS256" is not one/],
    [withIssuer({ algorithms: ['ES256', 'none'] }), /algorithms\) must list .*"none" is not one/],
    [withIssuer({ jwks: undefined }), /ISSUERS\[0\] .* must have jwks_uri, discovery or jwks/],
    [
      withIssuer({ jwks_uri: 'https://idp.test/jwks' }),
      /ISSUERS\[0\] .* has jwks_uri and jwks: take all but one/,
    ],
    [withIssuer({ jwks: undefined, jwks_uri: 'http://idp.test/jwks' }), /jwks_uri\) must be an https URL/],
    [
      withIssuer({ jwks: undefined, jwks_uri: 'https://u:p@idp.test/jwks' }),
      /jwks_uri\) must be an https URL/,
    ],
    [withIssuer({ jwks: undefined, jwks_uri: 'jwks.json' }), /jwks_uri\) must be an https URL/],
    [withIssuer({ jwks: { keys: [] } }), /jwks\) must be a JWK set with at least one key/],
    [withIssuer({ jwks: { keys: [{ kty: 'EC', d: 'PRIVATE' }] } }), /jwks\.keys\[0\]\) must be a public key/],
    [
      withIssuer({ jwks: { keys: [{ kty: 'oct', k: 'PRIVATE' }] } }),
      /jwks\.keys\[0\]\) must be a public key/,
    ],
    [withIssuer({ clock_tolerance_s: -1 }), /clock_tolerance_s\) must be a number of seconds from 0 to 300/],
    [
      withIssuer({ clock_tolerance_s: '30' }),
      /clock_tolerance_s\) must be a number of seconds from 0 to 300/,
    ],
    [withIssuer({ clock_tolerance_s: 301 }), /clock_tolerance_s\) must be a number of seconds from 0 to 300/],
    [withIssuer({ max_age_s: null }), /max_age_s\) must be a number of seconds/],
    [withIssuer({ subject_claim: '' }), /subject_claim\) must be the name of a claim, or a list/],
    [withIssuer({ allow_actor: 'yes' }), /allow_actor\) must be true or false/],
    [withIssuer({ allow_unbound: 1 }), /allow_unbound\) must be true or false/],
    [withIssuer({ dpop: true }), /ISSUERS\[0\]\.dpop \(issuers\[0\]\.dpop\) must be accepted or required/],
    [
      withIssuer({ dpop: 'accepted', name: 'staff' }),
      /ISSUERS\[0\]\.dpop \(.*\) of "staff" needs PUBLIC_URL \(publicUrl\), as a proof names the URL/,
    ],
    [
      { ...withIssuer({ dpop: 'accepted', allow_unbound: true }), PUBLIC_URL: 'https://gate.test' },
      /ISSUERS\[0\]\.allow_unbound \(.*\) can't be used beside dpop: take one of them away/,
    ],
    [withIssuer({ fhir_base: '' }), /ISSUERS\[0\]\.fhir_base \(.*\) must be an https URL/],
    [withIssuer({ fhir_base: 'http://ehr.test/fhir' }), /fhir_base\) must be an https URL/],
    [withIssuer({ fhir_base: 'https://u:p@ehr.test/fhir' }), /fhir_base\) must be an https URL/],
    [withIssuer({ fhir_base: 'https://ehr.test/fhir?x' }), /fhir_base\) must be an https URL/],
    [withIssuer({ fhir_base: 'Patient/' }), /fhir_base\) must be an https URL/],
    [withIssuer({ audiance: 'x' }), /ISSUERS\[0\]\.audiance \(.*\) is unknown: write audience/],
    [withIssuer({ constructor: 'x' }), /constructor\) is unknown/],
    [{ ...good, PSEUDONYM_KEY: '' }, /PSEUDONYM_KEY .*at least 32 characters: make one with "openssl rand/],
    [{ ...good, PSEUDONYM_KEY: 'PRIVATE' }, /PSEUDONYM_KEY .*at least 32 characters/],
    [
      { ...good, PSEUDONYM_KEY: `${'x'.repeat(32)},PRIVATE` },
      /PSEUDONYM_KEY\[1\] \(pseudonymKey\[1\]\) must be a secret of at least 32 characters/,
    ],
    [
      { ...good, PSEUDONYM_KEY: `${'x'.repeat(32)},,${'y'.repeat(32)}` },
      /PSEUDONYM_KEY\[1\] .*must not be empty: remove the comma before it/,
    ],
    [
      { ...good, PSEUDONYM_KEY: `,${'x'.repeat(32)}` },
      /PSEUDONYM_KEY\[0\] .*must be a secret of at least 32/,
    ],
    [
      { ...good, PSEUDONYM_KEY: `${'x'.repeat(32)}, ${'x'.repeat(32)}` },
      /PSEUDONYM_KEY\[1\] .*must differ from the keys before it: remove it/,
    ],
    [
      { ...good, PSEUDONYM_KEY: Array.from({ length: 17 }, (_, i) => `${i}`.padEnd(32, 'x')).join() },
      /PSEUDONYM_KEY \(pseudonymKey\) must be at most 16 keys: remove the oldest ones/,
    ],
    [
      { ...good, PUBLIC_URL: 'https://gate.test', TICKET_KEY: `${'x'.repeat(32)},${'x'.repeat(32)}` },
      /TICKET_KEY\[1\] \(tickets\.keys\[1\]\) must differ/,
    ],
    [{ ...good, ALLOWED_ORIGINS: '*' }, /ALLOWED_ORIGINS\[0\] .*\[0\]\) must be an origin/],
    [
      { ...good, ALLOWED_ORIGINS: 'https://a.test/' },
      /ALLOWED_ORIGINS\[0\] .*must be an origin in small letters/,
    ],
    [
      { ...good, ALLOWED_ORIGINS: 'https://a.test,,https://b.test' },
      /ALLOWED_ORIGINS\[1\] .*\[1\]\) must be an origin/,
    ],
    [
      { ...good, ALLOWED_ORIGINS: 'https://a.test', ALLOWED_HEADERS: 'X-Good, *' },
      /ALLOWED_HEADERS\[1\] .*\[1\]\) must be the name of a header, as in/,
    ],
    [
      { ...good, ALLOWED_ORIGINS: 'https://a.test', ALLOWED_HEADERS: 'X-Good,,X-Better' },
      /ALLOWED_HEADERS\[1\] .*\[1\]\) must be the name/,
    ],
    [
      { ...good, ALLOWED_ORIGINS: 'https://a.test', ALLOWED_HEADERS: 'X-Good: x' },
      /ALLOWED_HEADERS\[0\] .*\[0\]\) must be the name/,
    ],
    [
      { ...good, ALLOWED_HEADERS: 'X-Good' },
      /ALLOWED_HEADERS \(allowedHeaders\) needs ALLOWED_ORIGINS \(allowedOrigins\), which is missing/,
    ],
    [{ ...good, ALLOWED_ORIGINS: 'null' }, /ALLOWED_ORIGINS\[0\] .*must be an origin/],
    [{ ...good, CONCEALED_STATUS: '200' }, /CONCEALED_STATUS \(concealedStatus\) must be 404 or 403/],
    [{ ...good, LEDGER_SHARDS: '0' }, /LEDGER_SHARDS \(ledgerShards\) must be a whole number from 1 to 64/],
    [{ ...good, LEDGER_SHARDS: '1.5' }, /LEDGER_SHARDS .*must be a whole/],
    [{ ...good, MEDIA_PREFIX: 'media' }, /MEDIA_PREFIX must be a path as in "\/recordings"/],
    [{ ...good, MEDIA_PREFIX: '/a b' }, /MEDIA_PREFIX must be a path/],
    [{ ...good, MEDIA_PREFIX: '/console/api' }, /MEDIA_PREFIX .*not below \/access, \/console/],
    [{ ...good, MEDIA_PREFIX: '/access/v1' }, /MEDIA_PREFIX .*not below \/access/],
    [{ ...good, MEDIA_PREFIX: '/media/' }, /MEDIA_PREFIX must be a path .*with no "\/" at its end/],
    [{ ...good, MEDIA_PREFIX: '/a/../b' }, /MEDIA_PREFIX must be a path/],
    [
      { ...good, MEDIA_PREFIX: '/m', LOCATIONS: '[]' },
      /MEDIA_PREFIX can't be used beside LOCATIONS \(locations\): take one/,
    ],
    [{ ...good, LOCATIONS: '[]' }, /LOCATIONS .*must hold at least one/],
    [
      { ...good, LOCATIONS: '[{"url":"/m/:recording"}]' },
      /LOCATIONS\[0\]\.key \(locations\[0\]\.key\) is missing: it must be a string/,
    ],
    [{ ...good, LOCATIONS: '[null]' }, /LOCATIONS\[0\] .*must be an object with a url and a key/],
    [
      { ...good, LOCATIONS: '[{"url":"/m/:recording","key":":recording","bucket":"x"}]' },
      /LOCATIONS\[0\]\.bucket \(locations\[0\]\.bucket\) is unknown/,
    ],
    [
      {
        ...good,
        LOCATIONS:
          '[{"url":"/m/:recording","key":"a/:recording"},{"url":"/m/:recording","key":"b/:recording"}]',
      },
      /LOCATIONS\[1\] .*has the url of \[0\]/,
    ],
    [
      {
        ...good,
        LOCATIONS:
          '[{"url":"/m/:recording.mp4","key":"a/:recording"},{"url":"/m/:recording","key":"b/:recording"}]',
      },
      /LOCATIONS\[1\] \(locations\[1\]\) and LOCATIONS\[0\] take \/m\/a\.mp4 for different recordings: change the url/,
    ],
    [
      {
        ...good,
        LOCATIONS:
          '[{"url":"/v/:recording","key":"videos/:recording"},{"url":"/t/:recording","key":"videos/:recording.jpg"}]',
      },
      /LOCATIONS\[1\] \(locations\[1\]\) and LOCATIONS\[0\] keep two recordings at one key: change the key/,
    ],
    [
      { ...good, TICKET_KEY: 'k'.repeat(32) },
      /TICKET_KEY \(tickets\.keys\) needs PUBLIC_URL \(publicUrl\), which is missing: it must be the origin/,
    ],
    ...[
      'http://media.clinic.test',
      'http://10.0.0.1:8787',
      'http://localhost.clinic.test',
      'http://127.0.0.1.clinic.test',
      'http://notlocalhost',
    ].map((PUBLIC_URL): [Record<string, unknown>, RegExp] => [
      { ...good, PUBLIC_URL },
      /PUBLIC_URL .*only a loopback name may have "http:\/\/"/,
    ]),
    ...[
      'https://media.clinic.test/',
      'https://u:PRIVATE@a.test',
      'https://a.test:443',
      'ftp://a',
      'a.test',
    ].map((PUBLIC_URL): [Record<string, unknown>, RegExp] => [
      { ...good, PUBLIC_URL },
      /PUBLIC_URL \(publicUrl\) must be the origin that players reach/,
    ]),
    [{ ...good, ALLOWED_ORIGINS: 'https://u:PRIVATE@a.test' }, /\[0\]\) must be an origin/],
    [{ ...good, LEDGER_SHARDS: 8 }, /LEDGER_SHARDS \(ledgerShards\) must be a string: put it in quotes/],
    [{ ...good, ALLOWED_ORIGINS: ['https://a.test'] }, /ALLOWED_ORIGINS \(allowedOrigins\) must be a string/],
    [
      withIssuer({ jwks: { keys: [{}] } }),
      /jwks\) must hold a key that can be used: key 1 \(without a kid\): its type/,
    ],
    [
      withIssuer({ jwks: { keys: [{ kty: 'EC', crv: 'P-384' }] } }),
      /jwks\) must hold a key .*: its x is not/,
    ],
    [withIssuer({ algorithms: ['RS256'] }), /jwks\) holds no key for any/],
    [
      withIssuer({ jwks: { keys: [{ kty: 'RSA', p: 'PRIVATE' }] } }),
      /jwks\.keys\[0\]\) must be a public key/,
    ],
    [
      { ...good, LOCATIONS: '[{"url":"/m/:recording","key":"all"}]' },
      /LOCATIONS\[0\] .*can't be used: key "all" must contain ":recording" once/,
    ],
  ])('a mistake in the variables is reported as $1', (variables, message) => {
    expect(() => check(variables)).toThrow(message)
    try {
      check(variables)
    } catch (error) {
      expect((error as Error).message).not.toMatch(/PRIVATE|secret\.test/)
    }
  })

  test('all mistakes in the variables are reported at once', () => {
    expect(() => check({ ISSUERS: '[{}]', PSEUDONYM_KEY: 'short', ALLOWED_ORIGINS: '*' })).toThrow(
      /ISSUERS\[0\]\.issuer[\s\S]*ISSUERS\[0\]\.algorithms[\s\S]*ISSUERS\[0\] [\s\S]*audience[\s\S]*PSEUDONYM_KEY[\s\S]*ALLOWED_ORIGINS/,
    )
  })
})
