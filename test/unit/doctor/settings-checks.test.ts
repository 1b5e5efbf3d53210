import { describe, expect, test } from 'vitest'
import type { Issuer } from '../../../src/authenticate/issuer.ts'
import { runChecks, type State } from '../../../src/doctor/finding.ts'
import { ISSUER_CHECKS } from '../../../src/doctor/issuer-checks.ts'
import { isProbablySameSite, type Settings } from '../../../src/doctor/settings.ts'
import { SETTINGS_CHECKS } from '../../../src/doctor/settings-checks.ts'

const PSEUDONYM_KEY = 'Zt1oPp0mW2y7Jq0uVb3kqkq5o1T8rYw9sX4cL6nDhGA='
const OLDER = 'kQ0dVn6TzXo3YhGfR8sJbW5eLm1CpUaI2rEtN7uHvKw='
const TICKET_KEY = 'm3Xq7Rk1vB9sT5wZ0yLcPq8dNfGhJ2aEoUiKtYrWxSQ='
const ORIGIN = 'https://media.clinic-seven.org'

const entry = (more: Partial<Issuer> = {}): Issuer => ({
  issuer: 'https://login.clinic-seven.org/',
  audience: 'recordings',
  algorithms: ['ES256'],
  ...more,
})
const tickets = (more: Partial<Settings['tickets']> = {}): Required<Pick<Settings, 'tickets'>> => ({
  tickets: { keys: [TICKET_KEY], lifetime: 3600, cookie: 'strict', binding: [], ...more },
})
const good: Settings = {
  issuers: [entry()],
  pseudonymKey: PSEUDONYM_KEY,
  allowedOrigins: ['https://app.clinic-seven.org'],
  views: 'sync',
  lockdownUndo: 'one',
  drills: 'refuse',
  publicUrl: ORIGIN,
  locations: [{ url: '/recordings/:recording', key: 'recordings/:recording' }],
  ...tickets(),
}
const findingsOf = (more: Partial<Settings> = {}) => {
  const settings = { ...good, ...more }
  return [
    ...runChecks('settings', SETTINGS_CHECKS, settings),
    ...runChecks('issuers', ISSUER_CHECKS, settings),
  ]
}
/** What isn't ok, as `check state`. */
const notOk = (more: Partial<Settings> = {}) =>
  findingsOf(more).flatMap(({ check, state }) => (state === 'ok' ? [] : `${check} ${state}`))

test('settings that are right have no finding but ok, and each of those says what was looked at', () => {
  expect(notOk()).toEqual([])
  expect(findingsOf().map(({ check }) => check)).toEqual([
    'public_url',
    'tickets',
    'secrets',
    'metrics',
    'ticket_cookie',
    'origins',
    'views',
    'lockdowns',
    'drills',
    'roles',
    'allowances',
  ])
  for (const { found, fix } of findingsOf()) {
    expect(found).toMatch(/^.{10,200}[^.]$/)
    expect(fix).toBeUndefined()
  }
})

test('the keys that people are found by are counted', () => {
  const secrets = findingsOf({ pseudonymKey: [PSEUDONYM_KEY, OLDER] }).find(
    ({ check }) => check === 'secrets',
  )
  expect(secrets).toMatchObject({
    state: 'ok',
    found: 'the secrets look random, and differ; older keys that people are found by: 1',
  })
})

test('pages of other origins are said to read nothing, except in dev', () => {
  const origins = findingsOf({ allowedOrigins: [] }).find(({ check }) => check === 'origins')
  expect(origins).toMatchObject({ state: 'ok', found: expect.stringContaining('"mediaward dev"') })
})

const withoutTickets: Partial<Settings> = { ...good }
delete (withoutTickets as { tickets?: unknown }).tickets
const loopback = { publicUrl: 'http://127.0.0.1:8787' }

describe('each setting that is wrong has its finding', () => {
  test.each<[string, Partial<Settings>, string, State]>([
    ['no PUBLIC_URL', { publicUrl: undefined }, 'public_url', 'warning'],
    ['a PUBLIC_URL of an example', { publicUrl: 'https://media.clinic.example' }, 'public_url', 'failed'],
    ['tickets for a day', tickets({ lifetime: 86_400 }), 'tickets', 'warning'],
    ['one secret for two', tickets({ keys: [TICKET_KEY, PSEUDONYM_KEY] }), 'secrets', 'failed'],
    ['an older key of pseudonyms for tickets', { pseudonymKey: [OLDER, TICKET_KEY] }, 'secrets', 'failed'],
    ['an older key of words', { pseudonymKey: [PSEUDONYM_KEY, 'x'.repeat(32)] }, 'secrets', 'failed'],
    [
      'a scraper with an older key of pseudonyms',
      { pseudonymKey: [PSEUDONYM_KEY, OLDER], metricsToken: OLDER },
      'secrets',
      'failed',
    ],
    ['a secret of few characters', tickets({ keys: ['abab'.repeat(10)] }), 'secrets', 'failed'],
    ['a scraper with the key of pseudonyms', { metricsToken: PSEUDONYM_KEY }, 'secrets', 'failed'],
    ['a scraper with the key of tickets', { metricsToken: TICKET_KEY }, 'secrets', 'failed'],
    ['a token for scrapers of few characters', { metricsToken: 'abab'.repeat(10) }, 'secrets', 'failed'],
    ['a secret of words', { pseudonymKey: 'please change this key before you deploy' }, 'secrets', 'failed'],
    [
      'an example in place of a secret',
      { pseudonymKey: 'example-Zt1oPp0mW2y7Jq0uVb3kqkq5o1T8' },
      'secrets',
      'failed',
    ],
    [
      'a strict cookie and another site',
      { allowedOrigins: ['https://app.example-two.net'] },
      'ticket_cookie',
      'warning',
    ],
    [
      'a lax cookie and plain http',
      { ...tickets({ cookie: 'lax' }), allowedOrigins: ['http://app.clinic-seven.org'] },
      'ticket_cookie',
      'warning',
    ],
    ['a cookie for all sites, needed by none', tickets({ cookie: 'none' }), 'ticket_cookie', 'warning'],
    [
      'an allowed origin without TLS',
      { allowedOrigins: ['http://app.clinic-seven.org'] },
      'origins',
      'warning',
    ],
    [
      'an allowed origin on the own machine',
      { allowedOrigins: ['http://localhost:3000'] },
      'origins',
      'warning',
    ],
    [
      'a login cookie without allowed origins',
      { issuers: [entry({ cookie: 'CF_Authorization' })], allowedOrigins: [] },
      'login_cookie',
      'warning',
    ],
    ['views that are recorded later', { views: 'async' }, 'views', 'warning'],
    ['drills where patients are', { drills: 'allow' }, 'drills', 'warning'],
    [
      'drills at an address that is not known',
      { drills: 'allow', publicUrl: undefined },
      'drills',
      'warning',
    ],
    [
      'two entries without roles',
      { issuers: [entry(), entry({ issuer: 'https://two.org' })] },
      'roles',
      'failed',
    ],
    [
      'no entry that can give security',
      { issuers: [entry({ allowed_roles: ['recorder'] })] },
      'roles',
      'failed',
    ],
    [
      'no entry that can give recorder',
      { issuers: [entry({ allowed_roles: ['security'] })] },
      'roles',
      'warning',
    ],
    ['a mapping without security', { issuers: [entry({ roles: { recorder: ['r'] } })] }, 'roles', 'failed'],
    [
      'an analyst without a tenant',
      {
        issuers: [
          entry({ tenant_claim: 't', allowed_roles: ['recorder', 'security'] }),
          entry({ issuer: 'https://two.org', allowed_roles: ['security'] }),
        ],
      },
      'analysts',
      'warning',
    ],
    ['the audience of a whole realm', { issuers: [entry({ audience: 'account' })] }, 'audience', 'warning'],
    [
      'the audience of Microsoft Graph',
      { issuers: [entry({ audience: ['r', 'https://graph.microsoft.com'] })] },
      'audience',
      'warning',
    ],
    ['actors', { issuers: [entry({ allow_actor: true })] }, 'allowances', 'warning'],
    ['unbound tokens', { issuers: [entry({ allow_unbound: true })] }, 'allowances', 'warning'],
    ['all tenants', { issuers: [entry({ allow_all_tenants: true })] }, 'allowances', 'warning'],
    ['keys without TLS', { issuers: [entry({ allow_http_keys: true })] }, 'allowances', 'warning'],
    [
      'an issuer of an example',
      { issuers: [entry({ issuer: 'https://login.clinic.example/' })] },
      'provider',
      'failed',
    ],
    [
      'an issuer of AD FS with https',
      { issuers: [entry({ issuer: 'https://sts.clinic-seven.org/adfs/services/trust' })] },
      'provider',
      'warning',
    ],
    [
      'an issuer with http',
      { issuers: [entry({ issuer: 'http://login.clinic-seven.org/' })] },
      'provider',
      'warning',
    ],
    [
      'the realm of administrators',
      { issuers: [entry({ issuer: 'https://id.clinic-seven.org/realms/master' })] },
      'provider',
      'warning',
    ],
    [
      'a path that is written with dots',
      { issuers: [entry({ roles_claim: 'realm_access.roles' })] },
      'provider',
      'warning',
    ],
    [
      'an issuer that is no URL',
      { issuers: [entry({ issuer: 'login.clinic-seven.org' })] },
      'provider',
      'warning',
    ],
    [
      'the issuer of dev',
      { issuers: [entry({ issuer: 'https://issuer.mediaward.invalid/' })] },
      'provider',
      'failed',
    ],
  ])('%s', (_, more, check, state) => {
    expect(notOk(more)).toContain(`${check} ${state}`)
    for (const { state: one, fix } of findingsOf(more)) {
      if (one !== 'ok') expect(fix).toMatch(/^.{5,}[^.]$/)
    }
  })

  test('no tickets', () => {
    expect(findingsOf({ ...withoutTickets, tickets: undefined as never })).toContainEqual(
      expect.objectContaining({ check: 'tickets', state: 'warning' }),
    )
  })
})

describe('what is right in its place is no finding', () => {
  test.each<[string, Partial<Settings>]>([
    [
      'a cookie for another site that needs it',
      { ...tickets({ cookie: 'partitioned' }), allowedOrigins: ['https://app.two.net'] },
    ],
    [
      'a broad audience with a list of clients',
      { issuers: [entry({ audience: 'account', clients: ['app'] })] },
    ],
    [
      'an issuer of AD FS',
      { issuers: [entry({ issuer: 'http://sts.clinic-seven.org/adfs/services/trust' })] },
    ],
    ['an allowance that is off', { issuers: [entry({ allow_actor: false })] }],
    ['a login cookie with allowed origins', { issuers: [entry({ cookie: 'CF_Authorization' })] }],
    [
      'a web view',
      {
        allowedOrigins: ['capacitor://app.clinic-seven.org', 'https://app.clinic-seven.org'],
        ...tickets({ cookie: 'none' }),
      },
    ],
    [
      'a gate for this machine alone, with an app on it',
      { ...loopback, allowedOrigins: ['http://localhost:3000'], ...tickets({ cookie: 'none' }) },
    ],
  ])('%s', (_, more) => {
    expect(notOk(more)).toEqual([])
  })

  test('on this machine the issuer of an example is a warning', () => {
    expect(
      notOk({
        ...loopback,
        issuers: [entry({ issuer: 'https://issuer.mediaward.invalid/' })],
        allowedOrigins: [],
      }),
    ).toEqual(['provider warning'])
  })
})

test('no finding holds a secret, or any part of one', () => {
  const secret = 'correct-horse-battery-staple-example'
  const said = JSON.stringify(
    findingsOf({ pseudonymKey: secret, ...tickets({ keys: [secret, 'abab'.repeat(10)] }) }),
  )
  for (const part of ['horse', 'battery', 'staple', 'abab']) expect(said).not.toContain(part)
})

test('an entry is named by its findings, and settings by none', () => {
  const found = findingsOf({ issuers: [entry({ name: 'staff', allow_actor: true })] })
  expect(found.find(({ check }) => check === 'allowances')).toMatchObject({ entry: 'staff' })
  expect(found.find(({ check }) => check === 'views')).not.toHaveProperty('entry')
})

test.each<[string, string, boolean]>([
  ['https://app.clinic.org', 'https://media.clinic.org', true],
  ['https://clinic.org', 'https://media.clinic.org', true],
  ['http://app.clinic.org', 'https://media.clinic.org', false],
  ['https://app.clinic.co.uk', 'https://media.other.co.uk', false],
  ['https://app.clinic.co.uk', 'https://media.clinic.co.uk', true],
  ['https://clinic.io', 'https://media.clinic.io', true],
  ['https://clinic-a.org', 'https://clinic-b.org', false],
  ['http://localhost:3000', 'http://localhost:8787', true],
])('%s and %s are probably of one site: %s', (one, other, same) => {
  expect(isProbablySameSite(new URL(one), new URL(other))).toBe(same)
})
