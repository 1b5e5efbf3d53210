import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { usableKeys } from '../../../src/authenticate/keys/usable-keys.ts'
import { TrustedIssuers } from '../../../src/authenticate/trusted-issuers.ts'
import { Secret } from '../../../src/base/secret.ts'
import { checkOptions } from '../../../src/config/check-options.ts'
import { OPTIONS } from '../../../src/config/table.ts'
import { readVariables, variablesOf } from '../../../src/config/variables.ts'
import { createIssuer } from '../../support/issuer.ts'
import { ALL_OPTIONS } from '../../support/options-tables.ts'

// An issuer that introspects, and the secret that it takes.

const NAME = 'INTROSPECTION_SECRET'
const PSEUDONYM_KEY = 'k'.repeat(32)
const introspection = {
  url: 'https://idp.test/introspect',
  client_id: 'gate',
  client_secret: { secret: NAME },
}
const entry = { issuer: 'https://idp.test/', audience: 'recordings', introspection }
const { jwks } = await createIssuer()

/** Checks the variables of a gate with these entries. Returns its options. */
function check(entries: readonly object[], variables: Record<string, unknown> = { [NAME]: 'PRIVATE' }) {
  const { ledgerShards: _, ...options } = readVariables({
    ISSUERS: JSON.stringify(entries),
    PSEUDONYM_KEY,
    ...variables,
  })
  checkOptions(options)
  return options
}
/** What is said about one entry that has these members in its introspection. */
function mistakeOf(members: object, variables?: Record<string, unknown>): string {
  try {
    check([{ ...entry, introspection: { ...introspection, ...members } }], variables)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
const secretIn = ({ issuers }: ReturnType<typeof check>) => issuers[0]?.introspection?.client_secret as Secret

describe('a secret', () => {
  test('is read from the variable that the JSON names, without blanks at its ends', () => {
    expect(secretIn(check([entry])).reveal()).toBe('PRIVATE')
    expect(secretIn(check([entry], { [NAME]: ' PRIVATE\n' })).reveal()).toBe('PRIVATE')
  })

  test('is a plain string in code', () => {
    const inCode = { ...entry, introspection: { ...introspection, client_secret: 'PRIVATE' } }
    checkOptions({ issuers: [inCode], pseudonymKey: PSEUDONYM_KEY })
    for (const client_secret of ['', 1, null, {}, { secret: NAME }]) {
      const wrong = { ...entry, introspection: { ...introspection, client_secret } }
      expect(() => checkOptions({ issuers: [wrong as never], pseudonymKey: PSEUDONYM_KEY })).toThrow(
        /issuers\[0\]\.introspection\.client_secret\) must be a secret, a non-empty string/,
      )
    }
  })

  test.each([undefined, '', '  ', 1, {}])('whose variable is %j keeps the gate from starting', value => {
    expect(mistakeOf({}, value === undefined ? {} : { [NAME]: value })).toMatch(
      /ISSUERS\[0\]\.introspection\.client_secret .*names the variable INTROSPECTION_SECRET, which is missing or blank/,
    )
  })

  test.each([
    'PRIVATE',
    { secret: 'private value' },
    { secret: 'private' },
    { secret: '' },
    { secret: 1 },
    { secret: NAME, or: 'PRIVATE' },
    { Secret: NAME },
    [NAME],
    null,
    1,
  ])('that stands in the JSON as %j is refused, and isn’t quoted', client_secret => {
    const message = mistakeOf({ client_secret }, { [NAME]: 'x', PRIVATE: 'x' })
    expect(message).toMatch(/client_secret\) must be \{"secret":"NAME"\}, and the variable NAME must hold/)
    expect(message.replaceAll(NAME, '')).not.toMatch(/private/i)
  })

  test.each(variablesOf(ALL_OPTIONS))('can’t be the variable %s, which the gate reads itself', name => {
    const message = mistakeOf({ client_secret: { secret: name } }, { TICKET_KEY: 'x'.repeat(32) })
    expect(message).toContain(
      `client_secret) names the variable ${name}, which the gate reads itself: give the secret a variable of its own`,
    )
  })

  test('that is missing keeps no command from reading the issuers’ names', () => {
    const { issuers } = readVariables({ ISSUERS: JSON.stringify([entry]), PSEUDONYM_KEY })
    expect(issuers[0]?.issuer).toBe('https://idp.test/')
  })

  test('is found only where the table says that there is one', () => {
    const { issuers } = check([{ ...entry, required_claims: { secret: 'claim' } }])
    expect(issuers[0]?.required_claims).toEqual({ secret: 'claim' })
    expect(() => check([{ ...entry, name: { secret: NAME } }])).toThrow(/name\) must be/)
  })

  test('is shown by no JSON, no string and no console', () => {
    const options = check([entry])
    const keys = async () => usableKeys(undefined)
    const { entries } = new TrustedIssuers(
      [{ ...entry, introspection: { ...introspection, client_secret: 'PRIVATE' } }],
      () => ({ current: keys, newer: keys }),
    )
    for (const shown of [options, options.issuers, entries, secretIn(options)]) {
      expect(JSON.stringify(shown)).toContain('[secret]')
      expect(inspect(shown, { depth: 10, showHidden: true })).not.toContain('PRIVATE')
    }
    expect(`${secretIn(options)}`).toBe('[secret]')
    expect(Secret.of(secretIn(options))).toBe(secretIn(options))
  })

  test('has a variable that counts as known, if the JSON can be read', () => {
    const ISSUERS = JSON.stringify([{ issuer: 'x' }, entry, null, { introspection: 1 }])
    expect(variablesOf(OPTIONS, { ISSUERS })).toEqual(expect.arrayContaining(['ISSUERS', NAME]))
    for (const other of ['{', '{}', '1', '', JSON.stringify([{ ...entry, introspection: {} }])]) {
      expect(variablesOf(OPTIONS, { ISSUERS: other })).toEqual(variablesOf(OPTIONS))
    }
  })
})

describe('introspection', () => {
  test('needs neither keys nor algorithms, but takes both together', () => {
    check([entry])
    check([{ ...entry, algorithms: ['ES256'], jwks }])
    check([{ ...entry, algorithms: ['ES256'], jwks_uri: 'https://idp.test/jwks' }])
    check([{ ...entry, algorithms: ['ES256'], discovery: true }])
    check([{ ...entry, discovery: false }])
    expect(() => check([{ ...entry, jwks }])).toThrow(/algorithms\) is missing: it must list at least one/)
    expect(() => check([{ ...entry, algorithms: ['ES256'] }])).toThrow(
      /must have jwks_uri, discovery or jwks/,
    )
  })

  test.each<[object, RegExp]>([
    [{ url: undefined }, /introspection\.url\) is missing: it must be an https URL/],
    [{ url: 'http://idp.test/' }, /introspection\.url\) must be an https URL/],
    [{ url: 'https://u:p@idp.test/' }, /introspection\.url\) must be an https URL/],
    [{ url: 'https://idp.test/#a' }, /introspection\.url\) must be an https URL/],
    [{ url: '/introspect' }, /introspection\.url\) must be an https URL/],
    [{ client_id: undefined }, /introspection\.client_id\) is missing: it must be the id/],
    [{ client_id: '' }, /introspection\.client_id\) must be the id/],
    [{ client_secret: undefined }, /introspection\.client_secret\) is missing: it must be a secret/],
    [{ method: 'private_key_jwt' }, /method\) must be client_secret_basic or client_secret_post/],
    [{ secret: 'x' }, /introspection\.secret\) is unknown: it may be url, client_id, client_secret, method/],
  ])('with %j is refused', (members, message) => {
    expect(mistakeOf(members)).toMatch(message)
  })

  test('is accepted on loopback, with a query, and with either method', () => {
    for (const members of [
      { url: 'http://127.0.0.1:9999/introspect' },
      { url: 'https://idp.test/introspect?tenant=1' },
      { method: 'client_secret_basic' },
      { method: 'client_secret_post' },
    ]) {
      expect(mistakeOf(members)).toBe('')
    }
    for (const whole of ['https://idp.test/', 1, null, []]) {
      expect(() => check([{ ...entry, introspection: whole }])).toThrow(
        /introspection(\.url)?\) (must be|is missing)/,
      )
    }
  })

  test('takes http:// beyond loopback only with allow_http_keys', () => {
    const inCluster = {
      ...entry,
      introspection: { ...introspection, url: 'http://hydra-admin:4445/introspect' },
    }
    expect(() => check([inCluster])).toThrow(/url\) must be an https URL .*set allow_http_keys/)
    check([{ ...inCluster, allow_http_keys: true }])
    expect(() =>
      check([
        { ...entry, allow_http_keys: true, introspection: { ...introspection, url: 'ftp://idp.test/' } },
      ]),
    ).toThrow(/url\) must be an https URL/)
  })

  test('can’t be had for a template of tenants', () => {
    const issuer = 'https://idp.test/{tenantid}'
    expect(() => check([{ ...entry, issuer, tenants: ['a'] }])).toThrow(
      /introspection\) can't be used beside tenants/,
    )
  })

  test('of two issuers takes a place for each', () => {
    const other = { ...entry, issuer: 'https://other.test/' }
    const message = /ISSUERS\[1\] .* introspects as \[0\] does, and an opaque token doesn't say whose it is/
    expect(() => check([entry, other])).toThrow(message)
    check([entry, { ...other, header: 'X-Other' }])
    check([entry, { ...other, cookie: 'other' }])
    check([
      { ...entry, header: 'X-One' },
      { ...other, header: 'X-Other' },
    ])
    expect(() =>
      check([
        { ...entry, header: 'X-One' },
        { ...other, header: 'x-one' },
      ]),
    ).toThrow(message)
    expect(() =>
      check([
        { ...entry, header: 'X-One', cookie: 'a' },
        { ...other, header: 'X-Two', cookie: 'a' },
      ]),
    ).toThrow(message)
    // An issuer whose tokens are all signed may share the place.
    check([entry, { issuer: 'https://signed.test/', audience: 'recordings', algorithms: ['ES256'], jwks }])
  })

  test('of two entries of one issuer may share a place, if it is the same', () => {
    const staff = { ...entry, name: 'staff', audience: 'staff' }
    check([entry, staff])
    check([entry, { ...staff, introspection: { ...introspection, method: 'client_secret_basic' } }])
    for (const members of [
      { url: 'https://idp.test/other' },
      { client_id: 'b' },
      { method: 'client_secret_post' },
    ]) {
      expect(() => check([entry, { ...staff, introspection: { ...introspection, ...members } }])).toThrow(
        /ISSUERS\[1\] .* introspects as \[0\] does/,
      )
    }
  })
})
