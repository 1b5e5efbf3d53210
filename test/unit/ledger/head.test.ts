import { expect, test } from 'vitest'
import { callerNetwork } from '../../../src/base/network.ts'
import { headOf, observe } from '../../../src/ledger/head.ts'
import { createPseudonymizer } from '../../../src/ledger/pseudonym.ts'
import type { RequestContext } from '../../../src/request-context.ts'
import { contextOf } from '../../support/context.ts'

const pseudonym = createPseudonymizer('a key of the tests, long enough to be one')
const gate = { version: '0.0.0', isolate: 'test', seq: 1 }
const subject = { id: 'patient-1', issuer: 'https://one.test/', roles: [], token: 't' }
const event = (more: Partial<RequestContext>) => headOf(observe(contextOf(more)), 'id', gate, pseudonym)

test('an owner and a subject share a pseudonym only if they are one person of one issuer', async () => {
  const same = await event({ subject, ownership: { owner: 'patient-1', issuer: 'https://one.test/' } })
  expect(same.owner).toBe(same.subject)
  const namesake = await event({ subject, ownership: { owner: 'patient-1', issuer: 'https://two.test/' } })
  expect(namesake.owner).not.toBe(namesake.subject)
})

test('an owner without an issuer is not recorded', async () => {
  expect(await event({ subject, ownership: { owner: 'patient-1' } })).not.toHaveProperty('owner')
})

test('an actor is recorded beside the subject, by the pseudonym that it has as a subject itself', async () => {
  const [agent, service] = [
    { id: 'agent-7', issuer: 'https://staff.test/' },
    { id: 'service-1', issuer: 'https://one.test/' },
  ]
  const plain = await event({ subject })
  const acted = await event({ subject: { ...subject, actor: { ...service, actor: agent } } })
  expect(acted).toMatchObject({
    subject: plain.subject,
    actor: (await event({ subject: { ...subject, ...service } })).subject,
    prior_actors: [(await event({ subject: { ...subject, ...agent } })).subject],
  })
  expect(plain).not.toHaveProperty('actor')
  const alone = await event({ subject: { ...subject, actor: agent } })
  expect(alone).not.toHaveProperty('prior_actors')
})

test('a tenant that is not a valid name is recorded as unnamed, not as the default tenant', async () => {
  expect((await event({})).tenant).toBe('default')
  expect((await event({ ownership: { tenant: 'north' } })).tenant).toBe('north')
  expect((await event({ ownership: { tenant: 'Jane Roe' } })).tenant).toBe('unnamed')
})

test('the head of a record has no members for what is not known', async () => {
  expect(Object.keys(await event({})).sort()).toEqual(['v', 'id', 't', 'tenant', 'gate'].sort())
})

test('roles that are not names are left out, as an issuer may write anything there', async () => {
  const roles = ['recorder', 'Jane Roe, physician', 'x'.repeat(65)]
  expect((await event({ subject: { ...subject, roles } })).roles).toEqual(['recorder'])
})

test('the subjects that a question asks about are recorded by the pseudonyms that they have as callers', async () => {
  const { asked, subject: pseudonymOfSubject } = await event({
    subject,
    asked: {
      questions: 3,
      subjects: [{ id: 'patient-1', issuer: 'https://one.test/' }],
      recordings: ['rec-1', 'rec-2'],
    },
  })
  expect(asked).toEqual({ questions: 3, subjects: [pseudonymOfSubject], recordings: ['rec-1', 'rec-2'] })
})

test('an address is recorded as its network, and by a pseudonym of its own', async () => {
  const network = () => callerNetwork(() => ({ ip: '203.0.113.7', asn: 64500, country: 'DE' }))
  const { net } = await event({ network })
  expect(net).toEqual({
    prefix: '203.0.113.0/24',
    ip: await pseudonym('ip', '', '203.0.113.7'),
    asn: 64500,
    country: 'DE',
  })
})

test('a record says which part of a recording a request is for', async () => {
  const ref = { recording: 'rec-1', part: 'v/0.m4s', key: 'recordings/rec-1/v/0.m4s' }
  expect(await event({ ref })).toMatchObject({ recording: 'rec-1', part: 'v/0.m4s' })
  expect(await event({ ref: { recording: 'rec-1', key: 'recordings/rec-1' } })).not.toHaveProperty('part')
})

test.each([
  ['4.12.0-rc.1+build7', '4.12.0-rc.1+build7'],
  ['x'.repeat(32), 'x'.repeat(32)],
  ['x'.repeat(33), undefined],
  ['eyJ.a.b c', undefined],
  ['', undefined],
])('the release "%s" of an app is recorded as %s', async (sent, recorded) => {
  const request = new Request('https://gate.test/', { headers: { 'mediaward-app-release': sent } })
  expect((await event({ request })).release).toBe(recorded)
})

test('a release is proven if a token says it, and not if a header does', async () => {
  const request = new Request('https://gate.test/', { headers: { 'mediaward-app-release': '4.12.0' } })
  const proven = await event({ request, subject: { ...subject, release: '4.11.0' } })
  expect(proven).toMatchObject({ release: '4.11.0', release_proven: true })
  expect(await event({ request, subject })).toMatchObject({ release: '4.12.0' })
  expect(await event({ request, subject })).not.toHaveProperty('release_proven')
})

test('a release that a token says and no record may hold proves nothing', async () => {
  const said = await event({ subject: { ...subject, release: 'x'.repeat(33) } })
  expect(said).not.toHaveProperty('release')
  expect(said).not.toHaveProperty('release_proven')
})
