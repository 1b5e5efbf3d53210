import { describe, expect, test } from 'vitest'
import type { Issuer, LedgerEvent } from '../../../src/index.ts'
import { KINDS } from '../../../src/ledger/event.ts'
import { createPseudonymizer } from '../../../src/ledger/pseudonym.ts'
import { createIssuer, PSEUDONYM_KEY } from '../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// Staff who act for a patient (RFC 8693 4.1), and other tokens whose bearer isn't their subject.

const idp = await createIssuer()
const nameOf = (id: string, issuer: string) => createPseudonymizer(PSEUDONYM_KEY)('subject', issuer, id)
const [PATIENT, AGENT, SERVICE] = await Promise.all([
  nameOf('patient-1', idp.issuer),
  nameOf('agent-7', 'https://staff.test/'),
  nameOf('service-1', idp.issuer),
])
const act = { sub: 'agent-7', iss: 'https://staff.test/' }

function open(entry: Partial<Issuer> = {}): Promise<MemoryGate> {
  const tickets = { keys: ['a ticket key of the tests, long enough to be one'] }
  return memoryGate({ issuers: [idp.entry(entry)], tickets }, idp)
}
async function records(gate: MemoryGate): Promise<LedgerEvent[]> {
  await gate.flush()
  return gate.events()
}
const UPLOAD = { 'mediaward-upload-size': '3' }
async function send(
  gate: MemoryGate,
  method: string,
  path: string,
  claims: object,
  body?: object,
  headers = {},
) {
  const response = await gate.ask('patient-1', path, {
    method,
    claims: { roles: ['recorder', 'app'], ...claims },
    headers: { 'mediaward-owner': 'patient-1', 'content-type': 'application/json', ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, text: await response.text() }
}
const question = {
  subject: { type: 'user', id: 'patient-1' },
  action: { name: 'play' },
  resource: { type: 'recording', id: 'rec-1' },
}
const everything = async (gate: MemoryGate, claims: object) => [
  await send(gate, 'GET', '/recordings/rec-1', claims),
  await send(gate, 'HEAD', '/recordings/rec-1', claims),
  await send(gate, 'GET', '/recordings/another', claims),
  await send(gate, 'PUT', '/recordings/new', claims),
  await send(gate, 'POST', '/recordings/rec-1/ticket', claims),
  await send(gate, 'POST', '/access/v1/evaluation', claims, question),
]

describe('actors', () => {
  test('a token with an actor is refused on every route, and each record names the patient and the actor', async () => {
    const gate = await open()
    for (const { status } of await everything(gate, { act })) expect(status).toBe(401)
    const all = await records(gate)
    expect(all.length).toBeGreaterThan(3)
    for (const one of all) {
      expect(one).toMatchObject({ reason: 'token_actor', subject: PATIENT, actor: AGENT })
    }
  })

  test('an actor whom the issuer may send is named in every record of every kind, with a ticket too', async () => {
    const gate = await open({ allow_actor: true })
    const answers = await everything(gate, { act })
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 404, 411, 201, 200])
    const { url } = JSON.parse(answers[4]?.text ?? '') as { url: string }
    const { pathname } = new URL(url)
    expect((await (await gate.fetch(pathname)).arrayBuffer()).byteLength).toBe(3000)
    expect((await gate.fetch(`${pathname}/part.ts`)).status).toBe(404)
    const token = await idp.token('patient-2')
    const explain = { token, url: '/recordings/rec-1' }
    const security = { act, roles: ['security'] }
    await send(gate, 'POST', '/console/api/explain', security, explain)
    await send(gate, 'POST', '/console/api/releases', security, { release: '4.12.0' })
    const lockdown = { scope: 'recording', value: 'rec-2', reason: 'a test' }
    await send(gate, 'POST', '/console/api/lockdowns/add', security, lockdown)
    expect((await send(gate, 'POST', '/recordings/new/upload', { act }, undefined, UPLOAD)).status).toBe(201)
    await new Promise(resolve => setTimeout(resolve, 10))
    const all = await records(gate)
    const ofCallers = KINDS.filter(kind => !['heartbeat', 'gap', 'keys', 'finding'].includes(kind))
    expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(ofCallers))
    for (const one of all) expect(one).toMatchObject({ subject: PATIENT, actor: AGENT })
  })

  test('a record names the current actor of a chain, and the prior actors', async () => {
    const gate = await open({ allow_actor: true })
    await send(gate, 'GET', '/recordings/rec-1', { act: { sub: 'service-1', act } })
    expect(await records(gate)).toMatchObject([{ actor: SERVICE, prior_actors: [AGENT] }, {}])
  })

  test.each([
    [{}],
    ['agent-7'],
    [{ sub: 7 }],
    [['agent-7']],
    [true],
    [{ sub: 'x', iss: 7 }],
    [{ sub: 'x', act: {} }],
  ])('a token whose actor is %j is refused, even if its issuer may send actors', async unnamed => {
    const allowing = await open({ allow_actor: true })
    expect((await send(allowing, 'GET', '/recordings/rec-1', { act: unnamed })).status).toBe(401)
    expect(await records(allowing)).toMatchObject([{ reason: 'token_claim_missing' }])
    const gate = await open()
    expect((await send(gate, 'GET', '/recordings/rec-1', { act: unnamed })).status).toBe(401)
    expect(await records(gate)).toMatchObject([{ reason: 'token_actor' }])
  })

  test('a ticket with an actor stops working when its issuer may no longer send actors', async () => {
    const before = await open({ allow_actor: true })
    const { text } = await send(before, 'POST', '/recordings/rec-1/ticket', { act })
    const { pathname } = new URL((JSON.parse(text) as { url: string }).url)
    const after = await open()
    expect((await after.fetch(pathname)).status).toBe(401)
    expect(await records(after)).toMatchObject([{ reason: 'ticket_invalid', subject: PATIENT, actor: AGENT }])
  })

  test('no actor is recorded for a token that says who may act, or whose actor is null', async () => {
    const gate = await open()
    for (const claims of [{ may_act: act }, { act: null }]) {
      expect((await send(gate, 'GET', '/recordings/rec-1', claims)).status).toBe(200)
    }
    for (const one of await records(gate)) expect(one).not.toHaveProperty('actor')
  })
})

describe('bound tokens and security events', () => {
  const jkt = { jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' }
  const x5t = { 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' }
  test.each<[string, object, string, Partial<Issuer>?]>([
    ['a token bound to a key', { cnf: jkt }, 'token_bound'],
    ['a token bound to a certificate', { cnf: x5t }, 'token_bound'],
    ['a token bound to a DPoP key under allow_unbound', { cnf: jkt }, 'token_bound', { allow_unbound: true }],
    [
      'a token bound to a DPoP key and a certificate under allow_unbound',
      { cnf: { ...jkt, ...x5t } },
      'token_bound',
      { allow_unbound: true },
    ],
    ['a token with an empty cnf', { cnf: {} }, 'token_bound'],
    [
      'a bound token with an actor under allow_actor alone',
      { cnf: jkt, act },
      'token_bound',
      { allow_actor: true },
    ],
    [
      'a bound token with an actor under allow_unbound alone',
      { cnf: x5t, act },
      'token_actor',
      { allow_unbound: true },
    ],
    [
      'a logout token without its type',
      { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
      'token_type',
    ],
    [
      'a security event under allow_actor and allow_unbound',
      { events: {} },
      'token_type',
      { allow_actor: true, allow_unbound: true },
    ],
  ])('%s is refused on every route, and recorded for its subject', async (_, claims, reason, entry) => {
    const gate = await open(entry)
    for (const { status } of await everything(gate, claims)) expect(status).toBe(401)
    for (const one of await records(gate)) expect(one).toMatchObject({ reason, subject: PATIENT })
  })

  test('a token bound to a certificate is accepted if the entry of its issuer has allow_unbound', async () => {
    const gate = await open({ allow_unbound: true })
    expect((await send(gate, 'GET', '/recordings/rec-1', { cnf: x5t })).status).toBe(200)
  })
})
