import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  instanceOf,
  PSEUDONYM_KEY,
  store,
  type TestIssuer,
} from '../support/gate-client.ts'
import { PROVIDERS } from '../support/providers/index.ts'
import type { Provider } from '../support/providers/provider.ts'
import { headersWith, type Sent, type Token } from '../support/providers/token.ts'
import { withKeys } from '../support/recipe-trial.ts'
import { readRecipes } from '../support/recipes.ts'

// Recipes of docs/identity-providers.md that differ in what a runtime does: in the algorithm, or in the header or cookie.

const TITLES = [
  'Better Auth', // EdDSA
  'Logto', // ES384
  'Supabase', // ES256
  'NHS login', // RS512
  'SMART on FHIR: JWT access tokens', // RS384
  'Cloudflare Access', // RS256, in a header and in a cookie
  'Google Cloud IAP', // ES256, in a header
]
const APP = 'https://app.clinic.test'
let gate: RunningGate
let own: TestIssuer

const providerOf = (title: string): Provider => PROVIDERS[title] as Provider
const issuerOf = (title: string): string => String((providerOf(title).patient as Token).claims.iss)
const slugOf = (title: string): string => title.toLowerCase().replaceAll(/[^a-z]+/g, '-')

beforeAll(async () => {
  own = await createIssuer()
  const recipes = readRecipes().filter(({ title }) => TITLES.includes(title))
  const entries = recipes.flatMap(({ title, entries = [] }) =>
    // Two recipes may call an entry "machines".
    withKeys(entries, providerOf(title)).map((entry, at) => ({ ...entry, name: `${slugOf(title)} ${at}` })),
  )
  const issuers = [...entries, own.entry({ allowed_roles: ['recorder', 'security'] })]
  gate = await startGate({
    vars: { ISSUERS: JSON.stringify(issuers), PSEUDONYM_KEY, ALLOWED_ORIGINS: APP },
  })
  for (const title of TITLES) {
    const of = { 'Mediaward-Owner-Issuer': issuerOf(title) }
    const path = `/recordings/${slugOf(title)}`
    const stored = [
      await store(gate, own, path, providerOf(title).owner, 'a recording', of),
      await store(gate, own, `${path}-other`, 'another-patient', 'a recording', of),
    ]
    expect(stored.map(({ status }) => status)).toEqual([201, 201])
  }
})
afterAll(() => gate.stop())

async function get(path: string, sent: Sent, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(gate.url + path, { headers: { ...(await headersWith(sent)), ...headers } })
}

async function reasonOf(response: Response): Promise<string | undefined> {
  const instance = await instanceOf(response)
  return (await denials(gate, own)).find(({ id }) => id === instance)?.reason
}

test.each(TITLES)('%s: the patient plays their own recording, and not another one', async title => {
  const { patient } = providerOf(title)
  const played = await get(`/recordings/${slugOf(title)}`, patient)
  expect([played.status, await played.text()]).toEqual([200, 'a recording'])
  const refused = await get(`/recordings/${slugOf(title)}-other`, patient)
  expect([refused.status, await reasonOf(refused)]).toEqual([404, 'not_owner'])
})

const PATH = '/recordings/cloudflare-access'
const accessPatient = () => providerOf('Cloudflare Access').patient as Token
const inCookie = () => ({ ...accessPatient(), place: { cookie: 'CF_Authorization' } })

test('a login cookie plays for a page of the same site, or of an allowed origin', async () => {
  const [navigated, fromApp] = [
    await get(PATH, inCookie(), { 'Sec-Fetch-Site': 'same-site' }),
    await get(PATH, inCookie(), { 'Sec-Fetch-Site': 'cross-site', Origin: APP }),
  ]
  expect([navigated.status, fromApp.status]).toEqual([200, 200])
  const foreign = await get(PATH, inCookie(), {
    'Sec-Fetch-Site': 'cross-site',
    Origin: 'https://evil.example',
  })
  expect([foreign.status, await reasonOf(foreign)]).toEqual([401, 'token_missing'])
})

test("a login proxy's header plays for apps and servers, and for pages as its cookie does", async () => {
  const from = async (headers: Record<string, string>) => (await get(PATH, accessPatient(), headers)).status
  const site = { 'Sec-Fetch-Site': 'cross-site' }
  expect([await from({}), await from({ 'Sec-Fetch-Site': 'same-site' })]).toEqual([200, 200])
  expect([await from({ ...site, Origin: APP }), await from(site)]).toEqual([200, 401])
})

test('a login cookie neither stores nor reads the log', async () => {
  const headers = await headersWith({ ...inCookie(), claims: { ...accessPatient().claims, sub: 'sec' } })
  const log = await fetch(`${gate.url}/console/api/denials`, { headers })
  expect([log.status, await reasonOf(log)]).toEqual([401, 'token_missing'])
})

test('a token in the header of another entry is refused, as is a header beside a cookie that differs', async () => {
  const elsewhere = await get(PATH, { ...accessPatient(), place: { header: 'X-Goog-Iap-Jwt-Assertion' } })
  expect([elsewhere.status, await reasonOf(elsewhere)]).toEqual([401, 'token_place'])
  const cookie = await headersWith({ ...inCookie(), claims: { ...accessPatient().claims, sub: 'another' } })
  const both = await get(PATH, accessPatient(), cookie)
  expect([both.status, await reasonOf(both)]).toEqual([401, 'token_ambiguous'])
})
