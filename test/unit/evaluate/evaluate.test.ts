import { beforeEach, describe, expect, test } from 'vitest'
import type { MediawardOptions, Ownership } from '../../../src/index.ts'
import { createMemoryLedger, createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// AuthZEN Authorization API 1.0, for an app that is about to show a list.

const EVALUATION = '/access/v1/evaluation'
const EVALUATIONS = '/access/v1/evaluations'
let gate: MemoryGate
let store: MediawardOptions['store']

beforeEach(async () => {
  store = createMemoryStore()
  gate = await memoryGate({ store, allowedOrigins: ['https://app.clinic.test'] })
  await put('rec-2', 'patient-2')
})

const put = (id: string, owner: string) => putStamped(`recordings/${id}`, { owner, issuer: gate.idp.issuer })

async function putStamped(key: string, ownership: Ownership): Promise<void> {
  const options = { size: 1, contentType: 'video/mp4', ownership, replaces: null }
  await store.put(key, new Blob(['x']).stream(), options)
}

const user = (id: string) => ({ type: 'user', id })
const about = (id: string) => ({ resource: { type: 'recording', id } })
const question = (subject: string, id: string) => ({
  subject: user(subject),
  action: { name: 'play' },
  ...about(id),
})
const list = (subject: string, ids: readonly string[], more: object = {}) => ({
  subject: user(subject),
  action: { name: 'play' },
  evaluations: ids.map(about),
  ...more,
})

async function ask(
  path: string,
  body: unknown,
  {
    as = 'patient-1',
    roles = [],
    headers = {},
    claims = {},
  }: { as?: string; roles?: string[]; headers?: Record<string, string>; claims?: object } = {},
): Promise<{ status: number; json: unknown; headers: Headers }> {
  const response = await gate.ask(as, path, {
    method: 'POST',
    claims: { roles, ...claims },
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
  return { status: response.status, json: await response.json(), headers: response.headers }
}
const decisions = (json: unknown) =>
  (json as { evaluations: { decision: boolean }[] }).evaluations.map(({ decision }) => decision)

const listed = () => gate.events('listed')
const reasons = async () => (await gate.events('access')).map(({ reason }) => reason)

describe('single questions', () => {
  test('a question is answered as playing the recording would be, and the answer is recorded', async () => {
    expect(await ask(EVALUATION, question('patient-1', 'rec-1'))).toMatchObject({
      status: 200,
      json: { decision: true },
    })
    for (const id of ['rec-2', 'rec-0', '../rec-1', '']) {
      expect((await ask(EVALUATION, question('patient-1', id))).json).toEqual({ decision: false })
    }
    const records = await listed()
    expect(records.map(({ decision }) => decision)).toEqual(['permit', 'deny', 'deny', 'deny', 'deny'])
    expect(records[1]?.answers).toMatchObject([{ recording: 'rec-2', decision: 'deny', reason: 'not_owner' }])
    expect(records[2]?.answers).toEqual([
      { recording: 'rec-0', decision: 'deny', reason: 'recording_unknown' },
    ])
    expect(JSON.stringify(records)).not.toMatch(/patient-\d/)
  })

  test('a question about another action or type is answered with false', async () => {
    const one = question('patient-1', 'rec-1')
    for (const other of [
      { ...one, action: { name: 'delete' } },
      { ...one, resource: { type: 'document', id: 'rec-1' } },
      { ...one, subject: { type: 'group', id: 'patient-1' } },
    ]) {
      expect((await ask(EVALUATION, other)).json).toEqual({ decision: false })
    }
  })

  test('a question about another person takes the role app, and is refused and recorded without it', async () => {
    const refusal = await ask(EVALUATION, question('patient-2', 'rec-2'))
    expect(refusal.status).toBe(404)
    expect(await reasons()).toEqual(['role_missing'])
    expect(await listed()).toEqual([])
    const app = { as: 'app-1', roles: ['app'] }
    expect((await ask(EVALUATION, question('patient-2', 'rec-2'), app)).json).toEqual({ decision: true })
    const [record] = await listed()
    expect(record?.about).toMatch(/^psn_/)
    expect(record?.about).toBe(record?.answers[0]?.owner)
    expect(record?.about).not.toBe(record?.subject)
  })

  test.each<[string, unknown]>([
    ['malformed JSON', '{'],
    ['a list as its body', []],
    ['no subject', { action: { name: 'play' }, ...about('rec-1') }],
    ['a subject that is a string', { ...question('patient-1', 'rec-1'), subject: 'patient-1' }],
    ['an id that is a number', { ...question('patient-1', 'rec-1'), resource: { type: 'recording', id: 1 } }],
    [
      'an issuer that is not trusted',
      {
        ...question('patient-1', 'rec-1'),
        subject: { ...user('patient-1'), properties: { issuer: 'https://evil.test/' } },
      },
    ],
  ])('a question with %s is refused with 400 and a detail, and recorded', async (_, body) => {
    const { status, json } = await ask(EVALUATION, body)
    expect(status).toBe(400)
    expect((json as { detail: string }).detail.length).toBeGreaterThan(10)
    expect(await reasons()).toEqual(['question_invalid'])
  })

  test('an answer carries the X-Request-ID of its question, and so does a refusal', async () => {
    const headers = { 'x-request-id': 'bfe9eb29-ab87-4ca3-be83-a1d5d8305716' }
    for (const body of [question('patient-1', 'rec-1'), '{']) {
      expect((await ask(EVALUATION, body, { headers })).headers.get('x-request-id')).toBe(
        headers['x-request-id'],
      )
    }
  })

  test('a question takes a token, the type JSON and the method POST, and its route answers preflights', async () => {
    const body = JSON.stringify(question('patient-1', 'rec-1'))
    const anonymous = await gate.fetch(EVALUATION, { method: 'POST', body })
    expect(anonymous.status).toBe(401)
    expect((await ask(EVALUATION, body, { headers: { 'content-type': 'text/plain' } })).status).toBe(400)
    expect((await gate.fetch(EVALUATION)).headers.get('allow')).toBe('POST, OPTIONS')
    const preflight = await gate.fetch(EVALUATION, {
      method: 'OPTIONS',
      headers: { origin: 'https://app.clinic.test' },
    })
    expect([preflight.status, preflight.headers.get('access-control-allow-methods')]).toEqual([
      204,
      'DELETE, GET, HEAD, POST, PUT',
    ])
  })
})

describe('lists of questions', () => {
  test('a list is answered with each of the semantics of AuthZEN, and refused with another one', async () => {
    const ids = ['rec-1', 'rec-2', 'rec-1', 'rec-0']
    const withSemantic = async (evaluations_semantic: string) =>
      decisions((await ask(EVALUATIONS, list('patient-1', ids, { options: { evaluations_semantic } }))).json)
    expect(await withSemantic('execute_all')).toEqual([true, false, true, false])
    expect(await withSemantic('deny_on_first_deny')).toEqual([true, false])
    expect(await withSemantic('permit_on_first_permit')).toEqual([true])
    const wrong = list('patient-1', ids, { options: { evaluations_semantic: 'some' } })
    expect((await ask(EVALUATIONS, wrong)).status).toBe(400)
  })

  test('a question in a list may replace what the call says for all questions', async () => {
    const body = {
      ...question('patient-1', 'rec-1'),
      evaluations: [{}, about('rec-2'), { action: { name: 'x' } }],
    }
    expect(decisions((await ask(EVALUATIONS, body)).json)).toEqual([true, false, false])
  })

  test('a call for a list without questions is answered as a single question', async () => {
    expect((await ask(EVALUATIONS, question('patient-1', 'rec-1'))).json).toEqual({ decision: true })
  })

  test('a list looks up each location of each recording once, however often the recording is named', async () => {
    let looks = 0
    let most = 0
    let now = 0
    const counting =
      <Key, Found>(look: (key: Key) => Promise<Found>) =>
      async (key: Key) => {
        looks += 1
        most = Math.max(most, ++now)
        await new Promise(resolve => setTimeout(resolve, 1))
        now -= 1
        return look(key)
      }
    store.find = counting(store.find.bind(store))
    store.stampBelow = counting(store.stampBelow.bind(store))
    const ids = Array.from({ length: 100 }, (_, i) => `rec-${i % 50}`)
    const { json } = await ask(EVALUATIONS, list('patient-1', ids))
    expect(decisions(json).filter(Boolean)).toHaveLength(2)
    expect(looks).toBe(50 * 2)
    expect(most).toBeLessThanOrEqual(2 * 16)
    expect((await listed())[0]?.answers).toHaveLength(50)
  })

  test('a list of 1,000 questions is answered and recorded on several pages, and one of 1,001 is refused', async () => {
    const ids = Array.from({ length: 1000 }, (_, i) => `rec-${'x'.repeat(50)}-${i}`)
    expect(decisions((await ask(EVALUATIONS, list('patient-1', ids))).json)).toHaveLength(1000)
    // Pages are recorded at once, and a page says which one it is.
    const records = (await listed()).sort((a, b) => (a.page?.number ?? 0) - (b.page?.number ?? 0))
    expect(records.length).toBeGreaterThan(1)
    expect(records.flatMap(({ answers }) => answers.map(({ recording }) => recording))).toEqual(ids)
    expect(records.map(({ page }) => page?.number)).toEqual(records.map((_, i) => i + 1))
    const { entries } = await gate.ledger.read({ limit: 100 })
    for (const { json } of entries) expect(json.length).toBeLessThan(65_536)
    expect((await ask(EVALUATIONS, list('patient-1', [...ids, 'rec-1']))).status).toBe(400)
    expect((await ask(EVALUATIONS, ' '.repeat(1_048_577))).status).toBe(400)
  })

  test('a list has no answers if the store or the ledger is down', async () => {
    const broken = () => Promise.reject(new Error('down'))
    const find = store.find.bind(store)
    store.find = broken
    expect((await ask(EVALUATIONS, list('patient-1', ['rec-1']))).status).toBe(503)
    expect(await reasons()).toEqual(['store_unavailable'])
    store.find = find
    gate = await memoryGate({ ledger: { ...createMemoryLedger(), append: broken }, onUnrecorded: () => {} })
    expect((await ask(EVALUATIONS, list('patient-1', ['rec-1']))).status).toBe(503)
  })
})

describe('subjects', () => {
  test('the same id at another issuer is another person, and asking about it takes the role app', async () => {
    const other = await createIssuer('https://other.clinic.test/')
    const issuers = [gate.idp, other].map(idp => idp.entry({ allowed_roles: ['app'] }))
    gate = await memoryGate({ issuers }, gate.idp)
    const theirs = {
      ...question('patient-1', 'rec-1'),
      subject: { ...user('patient-1'), properties: { issuer: other.issuer } },
    }
    expect((await ask(EVALUATION, theirs)).status).toBe(404)
    expect(await reasons()).toEqual(['role_missing'])
    const app = { as: 'app-1', roles: ['app'] }
    expect((await ask(EVALUATION, theirs, app)).json).toEqual({ decision: false })
    expect((await ask(EVALUATION, question('patient-1', 'rec-1'), app)).json).toEqual({ decision: true })
  })

  test('an app is permitted recordings of its own tenant alone', async () => {
    const { issuer } = gate.idp
    gate = await memoryGate({ store, issuers: [gate.idp.entry({ tenant_claim: 'tenant' })] }, gate.idp)
    const app = { as: 'app-1', roles: ['app'] }
    await putStamped('recordings/rec-n', { owner: 'patient-1', issuer, tenant: 'north' })
    const asked = question('patient-1', 'rec-n')
    expect((await ask(EVALUATION, asked, { ...app, claims: { tenant: 'north' } })).json).toEqual({
      decision: true,
    })
    expect((await ask(EVALUATION, asked, { ...app, claims: { tenant: 'south' } })).json).toEqual({
      decision: false,
    })
    expect((await listed()).map(({ answers }) => answers[0]?.reason)).toEqual([undefined, 'tenant_mismatch'])
  })

  test('a recording whose parts have two owners is permitted to neither of them, and gets no ticket', async () => {
    const { issuer } = gate.idp
    await putStamped('recordings/mixed', { owner: 'patient-1', issuer })
    await putStamped('recordings/mixed/part.ts', { owner: 'patient-2', issuer })
    const app = { as: 'app-1', roles: ['app'] }
    for (const subject of ['patient-1', 'patient-2']) {
      expect((await ask(EVALUATION, question(subject, 'mixed'), app)).json).toEqual({ decision: false })
    }
    gate = await memoryGate(
      { store, tickets: { keys: ['a ticket key of the tests, long enough'] } },
      gate.idp,
    )
    const ticket = await gate.ask('patient-1', '/recordings/mixed/ticket', { method: 'POST' })
    expect(ticket.status).toBe(404)
  })

  test('an owner without an issuer counts as one of the only trusted issuer', async () => {
    await putStamped('recordings/plain', { owner: 'patient-1' })
    expect((await ask(EVALUATION, question('patient-1', 'plain'))).json).toEqual({ decision: true })
  })
})

describe('an app that shows only what it is permitted', () => {
  test.each([
    [{ mode: 'filter' }, 'filter'],
    [{ mode: 'Filter' }, undefined],
    [{ mode: ['filter'] }, undefined],
    [{}, undefined],
    [undefined, undefined],
  ])('and says so by context %j has the mode %s on record', async (context, mode) => {
    const more = context === undefined ? {} : { context }
    const answer = await ask(EVALUATIONS, list('patient-1', ['rec-1', 'rec-2'], more))
    expect(answer.status).toBe(200)
    expect(decisions(answer.json)).toEqual([true, false])
    expect((await listed()).map(record => record.mode)).toEqual([mode])
  })

  test('may say so of a single question, too, and is answered as any other', async () => {
    const { json } = await ask(EVALUATION, { ...question('patient-1', 'rec-2'), context: { mode: 'filter' } })
    expect(json).toEqual({ decision: false })
    expect(await listed()).toMatchObject([{ decision: 'deny', mode: 'filter' }])
  })

  test('has it on each page of a long list', async () => {
    const ids = Array.from({ length: 1_000 }, (_, i) => `rec-${'0'.repeat(80)}${i}`)
    await ask(EVALUATIONS, list('patient-1', ids, { context: { mode: 'filter' } }))
    const pages = await listed()
    expect(pages.length).toBeGreaterThan(1)
    expect(pages.every(({ mode }) => mode === 'filter')).toBe(true)
  })
})

test('a call may be about sixteen other people at most', async () => {
  const app = { as: 'app-1', roles: ['app'] }
  const about = (count: number) => ({
    evaluations: Array.from({ length: count }, (_, i) => question(`patient-${i + 10}`, 'rec-1')),
  })
  expect((await ask(EVALUATIONS, about(16), app)).status).toBe(200)
  expect(await listed()).toHaveLength(16)
  expect((await ask(EVALUATIONS, about(17), app)).status).toBe(400)
})

test('an answer leaves at the end of a timing slot, so its time reveals nothing about the store', async () => {
  const find = store.find.bind(store)
  const timed = async (delay: number) => {
    store.find = async key => {
      await new Promise(resolve => setTimeout(resolve, delay))
      return find(key)
    }
    const headers = { ...(await gate.idp.bearer('patient-1')), 'content-type': 'application/json' }
    const body = JSON.stringify(question('patient-1', 'rec-2'))
    await gate.fetch(EVALUATION, { method: 'POST', headers, body })
    const started = Date.now()
    await gate.fetch(EVALUATION, { method: 'POST', headers, body })
    return Date.now() - started
  }
  // Without the timing slot the first would take a millisecond or two; a timer may end one early.
  expect(await timed(0)).toBeGreaterThanOrEqual(24)
  expect(await timed(30)).toBeGreaterThanOrEqual(49)
})

test.each([
  ['a'.repeat(128), true],
  ['a'.repeat(129), false],
  ['two words', false],
  ['"quoted"', false],
])('an answer carries the X-Request-ID %o of its question: $1', async (id, back) => {
  const { headers } = await ask(EVALUATION, question('patient-1', 'rec-1'), {
    headers: { 'x-request-id': id },
  })
  expect(headers.get('x-request-id')).toBe(back ? id : null)
})
