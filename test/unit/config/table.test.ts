import { describe, expect, expectTypeOf, test } from 'vitest'
import { checkOptions, checkTable, resolveOptions } from '../../../src/config/check-options.ts'
import { listed, type Option, type TableOf } from '../../../src/config/option.ts'
import type { MediawardOptions } from '../../../src/config/options.ts'
import { OPTIONS } from '../../../src/config/table.ts'
import { readVariables } from '../../../src/config/variables.ts'
import { cloudflare } from '../../../src/runtime/cloudflare/cloudflare.ts'
import { LOCAL_OPTIONS } from '../../../src/runtime/local/local-variables.ts'
import {
  createMemoryControl,
  createMemoryLedger,
  createMemoryStore,
} from '../../../src/runtime/memory/index.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { ALL_OPTIONS } from '../../support/options-tables.ts'

const idp = await createIssuer()
const issuer = idp.entry()
const options: MediawardOptions = {
  issuers: [issuer],
  pseudonymKey: 'x'.repeat(32),
  store: createMemoryStore(),
  ledger: createMemoryLedger(),
  control: createMemoryControl(),
}
const variables = { ISSUERS: JSON.stringify([issuer]), PSEUDONYM_KEY: 'x'.repeat(32) }

/** The message of a configuration that is refused. */
function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    return (error as Error).message
  }
  return 'accepted'
}

describe('messages', () => {
  const origin = { PUBLIC_URL: 'https://media.clinic.test' }
  const publicUrl = origin.PUBLIC_URL
  const keys = ['k'.repeat(32)]
  test.each<[string, string, object, Record<string, string>]>([
    ['pseudonymKey', 'PSEUDONYM_KEY', { pseudonymKey: 'short' }, { PSEUDONYM_KEY: 'short' }],
    ['issuers', 'ISSUERS', { issuers: [] }, { ISSUERS: '[]' }],
    ['locations', 'LOCATIONS', { locations: [] }, { LOCATIONS: '[]' }],
    ['allowedOrigins[0]', 'ALLOWED_ORIGINS[0]', { allowedOrigins: ['*'] }, { ALLOWED_ORIGINS: '*' }],
    ['allowedHeaders', 'ALLOWED_HEADERS', { allowedHeaders: ['X-A'] }, { ALLOWED_HEADERS: 'X-A' }],
    ['concealedStatus', 'CONCEALED_STATUS', { concealedStatus: 200 }, { CONCEALED_STATUS: '200' }],
    ['views', 'VIEWS', { views: 'never' }, { VIEWS: 'never' }],
    ['publicUrl', 'PUBLIC_URL', { publicUrl: 'ftp://a' }, { PUBLIC_URL: 'ftp://a' }],
    ['tickets.keys', 'TICKET_KEY', { tickets: { keys } }, { TICKET_KEY: 'k'.repeat(32) }],
    ['tickets.keys', 'TICKET_KEY', { tickets: { lifetime: 60 } }, { TICKET_TTL: '60' }],
    [
      'tickets.lifetime',
      'TICKET_TTL',
      { publicUrl, tickets: { keys, lifetime: 1.5 } },
      { ...origin, TICKET_KEY: 'k'.repeat(32), TICKET_TTL: '1.5' },
    ],
    [
      'tickets.lifetime',
      'TICKET_TTL',
      { publicUrl, tickets: { keys, lifetime: 86_401 } },
      { ...origin, TICKET_KEY: 'k'.repeat(32), TICKET_TTL: '86401' },
    ],
    [
      'tickets.lifetime',
      'TICKET_TTL',
      { publicUrl, tickets: { keys, lifetime: 'soon' } },
      { ...origin, TICKET_KEY: 'k'.repeat(32), TICKET_TTL: 'soon' },
    ],
    [
      'tickets.cookie',
      'TICKET_COOKIE',
      { publicUrl, tickets: { keys, cookie: 'any' } },
      { ...origin, TICKET_KEY: 'k'.repeat(32), TICKET_COOKIE: 'any' },
    ],
    [
      'tickets.binding[1]',
      'TICKET_BINDING[1]',
      { publicUrl, tickets: { keys, binding: ['network', 'x'] } },
      { ...origin, TICKET_KEY: 'k'.repeat(32), TICKET_BINDING: 'network,x' },
    ],
  ])(
    'a wrong value of the option %s and of the variable %s gives the same message',
    (name, variable, given, set) => {
      const typed = refusal(() => resolveOptions({ ...options, ...given }))
      expect(typed).toContain(`  - ${variable} (${name}) `)
      expect(typed.split('\n')).toHaveLength(2)
      expect(refusal(() => checkOptions(readVariables({ ...variables, ...set })))).toBe(typed)
    },
  )

  test('a wrong number or jurisdiction of ledger shards gives the same message as an argument and as a variable', () => {
    const bucket = { head: () => {} }
    const objects = { idFromName: () => {} }
    const bindings = { RECORDINGS: bucket, AUDIT: bucket, LEDGER: objects, LOG: objects, CONTROL: objects }
    const typed = refusal(() => cloudflare(bindings as never, 65, 'EU' as never))
    expect(typed).toContain('LEDGER_SHARDS (ledgerShards) must be a whole number from 1 to 64')
    expect(typed).toContain(
      'LEDGER_JURISDICTION (ledgerJurisdiction) must be eu, us, fedramp or fedramp-high',
    )
    const set = { LEDGER_SHARDS: '65', LEDGER_JURISDICTION: 'EU' }
    expect(refusal(() => readVariables({ ...variables, ...set }))).toBe(typed)
  })
})

test.each<[object, RegExp]>([
  [{ store: undefined }, /- store is missing: it must be given: on Workers cloudflare\(env\) does/],
  [{ ledger: null }, /- ledger must be given/],
  [{ now: 0 }, /- now must be a function/],
  [{ bodyTimeouts: { json: 0 } }, /- bodyTimeouts\.json must be a time in milliseconds from 1 to 2147483647/],
  [{ bodyTimeouts: { upload: 2 ** 31 } }, /- bodyTimeouts\.upload must be/],
  [{ tickets: {} }, /- TICKET_KEY \(tickets\.keys\) is missing/],
  [{ pseudonymKey: undefined }, /- PSEUDONYM_KEY \(pseudonymKey\) is missing: it must be a secret/],
  [
    { pseudonymKey: `${'x'.repeat(32)},${'y'.repeat(32)}` },
    /pseudonymKey\) must be a list if it has a comma/,
  ],
  [
    { pseudonymKey: ['x'.repeat(32), ` ${'y'.repeat(32)}`] },
    /pseudonymKey\[1\]\) must not begin or end with a blank/,
  ],
  [{ pseudonymKey: ['x'.repeat(32), 7] }, /pseudonymKey\[1\]\) must be a secret/],
  [{ pseudonymKey: [] }, /pseudonymKey\) must be a secret/],
  [{ allowedOrigins: 'https://a.test' }, /- ALLOWED_ORIGINS \(allowedOrigins\) must be a list/],
])('options of code such as %o are refused', (given, message) => {
  expect(refusal(() => resolveOptions({ ...options, ...given }))).toMatch(message)
})

test('resolving options fills in every default, and only in groups that are given', () => {
  expect(resolveOptions(options)).toMatchObject({
    concealedStatus: 404,
    views: 'sync',
    allowedOrigins: [],
    bodyTimeouts: { json: 10_000, upload: 60_000 },
  })
  expect(resolveOptions(options)).not.toHaveProperty('tickets')
  const tickets = { keys: ['k'.repeat(32)], cookie: 'lax' } as const
  const given = { ...options, publicUrl: 'https://a.test', tickets, bodyTimeouts: { json: 5 } }
  expect(resolveOptions(given)).toMatchObject({
    tickets: { keys: tickets.keys, cookie: 'lax', lifetime: 3600, binding: [] },
    bodyTimeouts: { json: 5, upload: 60_000 },
  })
  expect(given.tickets).toEqual(tickets)
})

test('every default but that of allowedHeaders passes its own check', () => {
  const wrong = Object.entries<Option>(ALL_OPTIONS).filter(
    ([name, row]) =>
      row.default !== undefined && listed(row.check(row.default, {})).length > 0 && name !== 'allowedHeaders',
  )
  expect(wrong.map(([name]) => name)).toEqual([])
})

test('no variable and no option is declared twice', () => {
  const names = Object.values(ALL_OPTIONS).flatMap(({ variable }) => variable ?? [])
  expect(new Set(names).size).toBe(names.length)
  expect(Object.keys({ ...OPTIONS, ...LOCAL_OPTIONS })).toHaveLength(
    Object.keys(OPTIONS).length + Object.keys(LOCAL_OPTIONS).length,
  )
})

test('the type of an option table asks for a row of each option and for no other', () => {
  interface Example {
    readonly one: string
    readonly two?: number
  }
  type Rows = TableOf<Example, 'two'>
  expectTypeOf<keyof Rows>().toEqualTypeOf<'one' | 'two'>()
  expectTypeOf<Rows['one']['required']>().toEqualTypeOf<true>()
  expectTypeOf<Rows['two']['default']>().toEqualTypeOf<number>()
  const check = () => []
  // @ts-expect-error: an option without a row
  const missing: Rows = { one: { required: true, check } }
  // @ts-expect-error: a row without an option
  const extra: Rows = { one: { required: true, check }, two: { default: 2, check }, three: { check } }
  // @ts-expect-error: a member that must be given, and isn't required
  const optional: Rows = { one: { check }, two: { default: 2, check } }
  // @ts-expect-error: a default of another type
  const other: Rows = { one: { required: true, check }, two: { default: 'two', check } }
  expect([missing, extra, optional, other]).toHaveLength(4)
  expect(() => checkTable(missing, { one: '1' })).not.toThrow()
})
