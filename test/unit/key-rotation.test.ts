import { expect, test } from 'vitest'
import { createPseudonyms } from '../../src/ledger/pseudonym.ts'
import { createMemoryLedger, createMemoryStore } from '../../src/runtime/memory/index.ts'
import { createIssuer } from '../support/gate-client.ts'
import { memoryGate } from '../support/memory-gate.ts'

// All that depends on PSEUDONYM_KEY, before and after it was replaced. test/wire/key-rotation.test.ts restarts gates.

const [OLD, NEW] = ['the older key of this test and no secret', 'the newer key of this test and no secret']
const SECRET = 'the token of a scraper, which no key changes'.replaceAll(/[ ,]/g, '-')
const app = { roles: ['app'], sid: 'session-1', act: { sub: 'nurse-1' } }
const analyst = { claims: { roles: ['security'] } }

async function rotated() {
  const idp = await createIssuer()
  const shared = { ledger: createMemoryLedger(), store: createMemoryStore(), metricsToken: SECRET }
  const network = () => ({ ip: '203.0.113.9', prefix: '203.0.113.0/24' })
  const issuers = [{ ...idp.entry(), allowed_roles: ['security', 'app'] as const, allow_actor: true }]
  const before = await memoryGate({ ...shared, issuers, network, pseudonymKey: OLD }, idp)
  const { store: _, ...same } = shared
  const after = await memoryGate({ ...same, issuers, network, pseudonymKey: [NEW, OLD] }, idp)
  const pseudonyms = createPseudonyms([NEW, OLD])
  return { idp, before, after, pseudonyms }
}

test('each pseudonym in a record is one under the first key, and none under another', async () => {
  const { idp, before, after, pseudonyms } = await rotated()
  const question = {
    method: 'POST',
    body: JSON.stringify({
      subject: { type: 'user', id: 'patient-2' },
      action: { name: 'play' },
      resource: { type: 'recording', id: 'rec-1' },
    }),
    headers: { 'content-type': 'application/json' },
    claims: app,
  }
  for (const gate of [before, after]) {
    await gate.ask('patient-2', '/recordings/rec-1', {
      claims: { sid: 'session-1', act: { sub: 'nurse-1' } },
    })
    await gate.ask('app-1', '/access/v1/evaluation', question)
  }
  const of = async (field: 'subject' | 'session' | 'token' | 'ip', value: string) =>
    (await pseudonyms(field, field === 'ip' ? '' : idp.issuer, value)).toReversed()
  const refusals = await after.events('access')
  expect(refusals.map(({ subject }) => subject)).toEqual(await of('subject', 'patient-2'))
  expect(refusals.map(({ owner }) => owner)).toEqual(await of('subject', 'patient-1'))
  expect(refusals.map(({ session }) => session)).toEqual(await of('session', 'session-1'))
  expect(refusals.map(({ net }) => net?.ip)).toEqual(await of('ip', '203.0.113.9'))
  expect(new Set(refusals.map(({ token }) => token)).size).toBe(2)
  expect(refusals.map(({ actor }) => actor)).toEqual(await of('subject', 'nurse-1'))
  // What groups records without a key stays the same.
  expect(new Set(refusals.map(({ net }) => net?.prefix)).size).toBe(1)
  const lists = await after.events('listed')
  expect(lists.map(({ about }) => about)).toEqual(await of('subject', 'patient-2'))
})

test('a look for a person under several keys is on record with each of them, in one tenant and in all', async () => {
  const { before, after, idp, pseudonyms } = await rotated()
  for (const gate of [before, after]) await gate.ask('patient-2', '/recordings/rec-1')
  const subject = await pseudonyms('subject', idp.issuer, 'patient-2')
  const owner = await pseudonyms('subject', idp.issuer, 'patient-1')
  const query = new URLSearchParams({ subject: subject.join(), owner: owner.join() })
  const response = await after.ask('analyst-1', `/console/api/records?${query}`, analyst)
  expect((await response.text()).split('\n')).toHaveLength(3)
  expect((await after.events('console')).map(one => 'query' in one && one.query)).toEqual([
    { subject, owner },
  ])
  const one = await after.ask('analyst-1', `/console/api/records?subject=${subject[0]}`, analyst)
  expect((await one.text()).split('\n')).toHaveLength(2)
  expect((await after.events('console')).map(look => 'query' in look && look.query).at(-1)).toEqual({
    subject: subject[0],
  })
})

test.each([
  ['with an id among the pseudonyms', 'patient-007'],
  ['with an empty entry', ''],
  [
    'of more pseudonyms than there can be keys',
    Array.from({ length: 16 }, () => `psn_${'0'.repeat(32)}`).join(),
  ],
])('a query %s is refused', async (_, another) => {
  const { after } = await rotated()
  const subject = `psn_${'0'.repeat(32)},${another}`
  const response = await after.ask('analyst-1', `/console/api/records?subject=${subject}`, analyst)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({
    detail: expect.stringMatching(/^subject must be a pseudonym/),
  })
})

test('the token of a scraper, explanations and what is refused do not depend on the key', async () => {
  const { before, after, idp } = await rotated()
  const token = await idp.token('patient-2')
  for (const gate of [before, after]) {
    const metrics = await gate.fetch('/console/api/metrics', {
      headers: { authorization: `Bearer ${SECRET}` },
    })
    expect(metrics.status).toBe(200)
    const explained = await gate.ask('analyst-1', '/console/api/explain', {
      ...analyst,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token, url: '/recordings/rec-1' }),
    })
    expect(await explained.json()).toMatchObject({ decision: 'deny', reason: 'not_owner' })
    expect((await gate.ask('patient-1', '/recordings/rec-1')).status).toBe(200)
  }
})
