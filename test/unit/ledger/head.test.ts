import { expect, test } from 'vitest'
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
