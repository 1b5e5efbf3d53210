import { describe, expect, test } from 'vitest'
import { createPseudonymizer } from '../../../src/ledger/pseudonym.ts'
import { createIssuer, PSEUDONYM_KEY } from '../../support/gate-client.ts'
import { type Asking, memoryGate } from '../../support/memory-gate.ts'

// What the console's API says of a person's pseudonym, and to whom.

const PATH = '/console/api/pseudonym'
const gate = await memoryGate()

function asking(body: unknown, more: Asking = {}): Asking {
  return {
    method: 'POST',
    claims: { roles: ['security'] },
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...more,
  }
}

test('an analyst gets the pseudonym that a person has in the log', async () => {
  await gate.ask('patient-2', '/recordings/rec-1')
  const [record] = await gate.events('access')
  const response = await gate.ask('analyst-1', PATH, asking({ subject: 'patient-2' }))
  expect(response.status).toBe(200)
  expect(response.headers.get('cache-control')).toBe('private, no-store')
  expect(await response.json()).toEqual({
    pseudonym: record?.subject,
    pseudonyms: [record?.subject],
    issuer: gate.idp.issuer,
  })
})

describe('a gate with several issuers', async () => {
  const second = await createIssuer('https://second.test/')
  const allowed_roles = ['security'] as const
  const issuers = [gate.idp, second].map(one => ({ ...one.entry(), allowed_roles }))
  const several = await memoryGate({ issuers }, gate.idp)

  test('the issuer of a person must be named, and decides on the pseudonym', async () => {
    const unnamed = await several.ask('analyst-1', PATH, asking({ subject: 'patient-2' }))
    expect(await unnamed.json()).toMatchObject({
      status: 400,
      detail: 'issuer is missing: this gate trusts several',
    })
    for (const { issuer } of [gate.idp, second]) {
      const response = await several.ask('analyst-1', PATH, asking({ subject: 'patient-2', issuer }))
      const pseudonym = await createPseudonymizer(PSEUDONYM_KEY)('subject', issuer, 'patient-2')
      expect(await response.json()).toEqual({ pseudonym, pseudonyms: [pseudonym], issuer })
    }
  })
})

test.each([
  ['a person without an id', {}, 'subject must be an id of 1 to 255 characters'],
  ['an empty id', { subject: '' }, 'subject must be an id of 1 to 255 characters'],
  ['an id that is a number', { subject: 7 }, 'subject must be an id of 1 to 255 characters'],
  ['a long id', { subject: 'x'.repeat(256) }, 'subject must be an id of 1 to 255 characters'],
  ['null', null, 'subject must be an id of 1 to 255 characters'],
  ['what is not JSON', 'subject=patient-2', 'The body must be JSON in UTF-8'],
  ['a large body', { subject: 'x'.repeat(5000) }, 'The body must be at most 4096 bytes long'],
  [
    'an unknown issuer',
    { subject: 'patient-2', issuer: 'https://issuer.test' },
    'issuer must be one of those that this gate trusts, to the letter, or the name of an entry with "owns": false',
  ],
])('a call with %s is refused and recorded, and neither repeats the id', async (_, body, detail) => {
  const response = await gate.ask('analyst-1', PATH, asking(body))
  expect(response.status).toBe(400)
  const answer = (await response.json()) as { detail: string; instance: string }
  expect(answer.detail).toBe(detail)
  const record = (await gate.events('access')).find(({ id }) => answer.instance.endsWith(id))
  expect(record).toMatchObject({ reason: 'query_invalid', status: 400, method: 'POST' })
  expect(JSON.stringify([answer, record])).not.toMatch(/patient-2|xxx/)
})

test.each([
  [
    'without a token',
    401,
    'token_missing',
    (): Asking => asking({ subject: 'p' }, { headers: { authorization: '' } }),
  ],
  ['of a patient', 404, 'role_missing', (): Asking => asking({ subject: 'p' }, { claims: {} })],
  [
    'of a recorder',
    404,
    'role_missing',
    (): Asking => asking({ subject: 'p' }, { claims: { roles: ['recorder', 'app'] } }),
  ],
  ['by GET', 405, 'method_not_allowed', (): Asking => ({ claims: { roles: ['security'] } })],
] as const)('a call %s gets no pseudonym, and is recorded', async (_, status, reason, call) => {
  const response = await gate.ask('someone', PATH, call())
  expect(response.status).toBe(status)
  expect(await response.text()).not.toContain('psn_')
  expect((await gate.events('access')).at(-1)).toMatchObject({ reason, status })
})

test('a reader who may read nothing of the log, for want of a tenant, gets no pseudonym', async () => {
  const issuers = [
    { ...gate.idp.entry(), allowed_roles: ['security'] as const },
    { ...(await createIssuer('https://tenants.test/')).entry(), tenant_claim: 'org' },
  ]
  const shared = await memoryGate({ issuers }, gate.idp)
  const body = { subject: 'patient-2', issuer: gate.idp.issuer }
  const response = await shared.ask('analyst-1', PATH, asking(body))
  expect(response.status).toBe(404)
  expect(await shared.events('access')).toMatchObject([{ reason: 'tenant_mismatch' }])
})
