import { beforeEach, expect, type MockInstance, test, vi } from 'vitest'
import type { Issuer } from '../../../src/authenticate/issuer.ts'
import { nearestName } from '../../../src/config/nearest-name.ts'
import { warnOfDoubtfulIssuers } from '../../../src/doctor/doubtful-issuers.ts'

let said: MockInstance<typeof console.error>
beforeEach(() => {
  said = vi.spyOn(console, 'error').mockReturnValue()
  said.mockClear()
})
const warnings = (entry: Partial<Issuer>): string[] => {
  warnOfDoubtfulIssuers([{ issuer: 'https://a.test/', audience: 'a', algorithms: ['ES256'], ...entry }])
  return said.mock.calls.map(([line]) => String(line))
}

test.each<[Partial<Issuer>, RegExp]>([
  [{ roles_claim: 'realm_access.roles' }, /roles_claim of entry .*, write \["realm_access","roles"\]$/],
  [{ tenant_claim: 'firebase.tenant' }, /tenant_claim of entry .*, write \["firebase","tenant"\]$/],
  [{ subject_claim: 'user.id', name: 'staff' }, /subject_claim of entry "staff" .*, write \["user","id"\]$/],
  [{ issuer: 'clinic.eu.auth0.com' }, /the issuer of entry "clinic\.eu\.auth0\.com" is no URL/],
])('the operator is warned of %j, which may be meant', (entry, warning) => {
  expect(warnings(entry)).toEqual([expect.stringMatching(warning)])
})

test.each<[Partial<Issuer>]>([
  [{}],
  [{ roles_claim: ['realm_access', 'roles'] }],
  [{ roles_claim: 'https://clinic.example/roles' }],
  [{ roles_claim: 'cognito:groups' }],
  [{ roles_claim: 'urn:zitadel:iam:org:project:roles' }],
  [{ issuer: 'http://adfs.clinic.test/adfs/services/trust' }],
  [{ issuer: 'urn:clinic:issuer' }],
])('the operator is not warned of %j', entry => {
  expect(warnings(entry)).toEqual([])
})

const MEMBERS = [
  'issuer',
  'name',
  'tenants',
  'audience',
  'clients',
  'algorithms',
  'jwks_uri',
  'jwks',
  'roles_claim',
]

test.each([
  ['audiance', 'audience'],
  ['audiences', 'audience'],
  ['jwksUri', 'jwks_uri'],
  ['JWKS-URI', 'jwks_uri'],
  ['jwksURL', 'jwks_uri'],
  ['jwk', 'jwks'],
  ['issuers', 'issuer'],
  ['iss', 'issuer'],
  ['clientId', 'clients'],
  ['client', 'clients'],
  ['tenant', 'tenants'],
  ['rolesClaim', 'roles_claim'],
  ['role_claim', 'roles_claim'],
  ['algorithm', 'algorithms'],
])('the member %s is taken for %s', (name, meant) => expect(nearestName(name, MEMBERS)).toBe(meant))

test.each(['colour', 'constructor', 'x', '', 'domain', 'secret'])('the member %j is like none', name =>
  expect(nearestName(name, MEMBERS)).toBeUndefined(),
)
