import { expect, test } from 'vitest'
import {
  hasOwner,
  isSameOwner,
  type Ownership,
  withDefaultIssuer,
} from '../../../src/recordings/recording.ts'

const ISSUER = 'https://login.clinic.test/'
const owned: Ownership = { owner: 'patient-1', issuer: ISSUER, tenant: 'north' }
const { tenant: _, ...untenanted } = owned
const { issuer: __, ...unissued } = owned

test('two owners are one if id, issuer and tenant are the same', () => {
  expect(isSameOwner(owned, { ...owned })).toBe(true)
  expect(isSameOwner(untenanted, { ...untenanted })).toBe(true)
  expect(isSameOwner(owned, { ...owned, consultation: 'c-1' })).toBe(true)
})

test.each<[string, Ownership]>([
  ['another id', { ...owned, owner: 'patient-2' }],
  ['another issuer', { ...owned, issuer: 'https://other.clinic.test/' }],
  ['another tenant', { ...owned, tenant: 'south' }],
  ['no issuer', unissued],
  ['no tenant', untenanted],
])('an owner with %s is another owner', (_, other) => {
  expect(isSameOwner(owned, other)).toBe(false)
  expect(isSameOwner(other, owned)).toBe(false)
})

test('an owner without an issuer belongs to the only issuer, and is not an owner if there are several', () => {
  expect(withDefaultIssuer(unissued, ISSUER)).toEqual(owned)
  expect(withDefaultIssuer(unissued, undefined)).toEqual(unissued)
  expect([hasOwner(unissued, ISSUER), hasOwner(unissued, undefined)]).toEqual([true, false])
})

test('the issuer of an owner is kept, whatever the only issuer is', () => {
  expect(withDefaultIssuer(owned, 'https://other.clinic.test/')).toEqual(owned)
  expect(hasOwner(owned, undefined)).toBe(true)
})

test('a recording without the id of an owner has no owner', () => {
  expect(hasOwner({ issuer: ISSUER, tenant: 'north' }, ISSUER)).toBe(false)
})
