import { expect, test } from 'vitest'
import { resolveEntries } from '../../../src/authenticate/entry.ts'
import type { Issuer } from '../../../src/authenticate/issuer.ts'
import { nearestIssuer } from '../../../src/explain/nearest-issuer.ts'

const T1 = '8c5bd4a1-5e0d-4f9f-a6a5-5f4c4b1de0a1'
const T2 = '0d4b6a9a-9d3a-4c1d-8a9f-5a2f8e1c9b11'
const entries = (...issuers: Partial<Issuer>[]) =>
  resolveEntries(issuers.map(one => ({ audience: 'a', algorithms: ['ES256'], issuer: '', ...one })))

test.each([
  ['https://a.test/', 'https://a.test', 'slash'],
  ['https://a.test', 'https://a.test/', 'slash'],
  ['http://a.test/', 'https://a.test', 'scheme'],
  ['https://A.test/x', 'http://a.test/X/', 'case'],
  [`https://sts.windows.net/${T1}/`, `https://login.microsoftonline.com/${T1}/v2.0`, 'version'],
  [`https://login.microsoftonline.com/${T1}/`, `https://login.microsoftonline.com/${T1}/v2.0`, 'version'],
  [`https://sts.windows.net/${T2}/`, `https://login.microsoftonline.com/${T1}/v2.0`, 'tenant'],
  ['https://a.test/realms/one', 'https://a.test/realms/two', 'path'],
  ['https://a.test.evil.test/', 'https://a.test/', 'other'],
  ['a.test', 'https://a.test/', 'scheme'],
  ['', 'https://a.test/', 'other'],
])('the iss %s differs from the issuer %s by: %s', (iss, issuer, difference) => {
  expect(nearestIssuer(iss, entries({ issuer }))).toMatchObject({ entry: { issuer }, difference })
})

test('a tenant that is not in tenants differs from a template of any host by the tenant', () => {
  const template = { issuer: 'https://{tenantid}.ciamlogin.test/v2.0', tenants: [T1] }
  const nearest = nearestIssuer(`https://${T2}.ciamlogin.test/v2.0`, entries(template))
  expect(nearest?.difference).toBe('tenant')
})

test('the nearest of several issuers is the one with the smallest difference, then the one that begins alike', () => {
  const all = entries(
    { issuer: 'https://other.test/' },
    { issuer: 'https://a.test/one' },
    { issuer: 'https://a.test/two/' },
  )
  expect(nearestIssuer('https://a.test/two', all)?.entry.issuer).toBe('https://a.test/two/')
  expect(nearestIssuer('https://a.test/on', all)?.entry.issuer).toBe('https://a.test/one')
  expect(nearestIssuer('https://othe.test/', all)?.entry.issuer).toBe('https://other.test/')
})

test('without entries there is no nearest issuer', () => {
  expect(nearestIssuer('https://a.test/', [])).toBeUndefined()
})
