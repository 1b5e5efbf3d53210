import { afterAll, beforeAll, expect, test } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, records, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { sendRaw } from '../support/raw-http.ts'

// Players that can't send a header: what they are given is a URL, or a cookie.

const OLD = 'an old ticket key of the tests and of 32 characters at least'
const KEY = 'the ticket key of the tests and of 32 characters at least'
const APP = 'https://app.clinic.test'
let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({
    vars: { ...variables(idp), TICKET_KEY: `${KEY}, ${OLD}`, TICKET_TTL: '2', ALLOWED_ORIGINS: APP },
  })
  const stored = [
    await store(gate, idp, '/recordings/one', 'patient-1', 'the bytes of one'),
    await store(gate, idp, '/recordings/set/master.m3u8', 'patient-1', '#EXTM3U\n'),
    await store(gate, idp, '/recordings/set/video/0.m4s', 'patient-1', 'a segment'),
    await store(gate, idp, '/recordings/two', 'patient-2', 'the bytes of two'),
  ]
  expect(stored.map(({ status }) => status)).toEqual([201, 201, 201, 201])
})
afterAll(() => gate.stop())

async function ask(path: string, subject: string, headers: Record<string, string> = {}): Promise<Response> {
  const all = { ...(await idp.bearer(subject)), ...headers }
  return fetch(`${gate.url}${path}/ticket`, { method: 'POST', headers: all })
}

async function ticketFor(path: string, subject = 'patient-1'): Promise<{ url: string; cookie: string }> {
  const response = await ask(path, subject)
  expect(response.status).toBe(201)
  const { url } = (await response.json()) as { url: string }
  return { url, cookie: response.headers.getSetCookie()[0]?.split(';')[0] ?? '' }
}

test('a ticket plays a recording by its URL, with ranges and HEAD, and by its cookie', async () => {
  const { url, cookie } = await ticketFor('/recordings/one')
  expect(url.startsWith(`${gate.url}/play/`)).toBe(true)
  const range = await fetch(url, { headers: { Range: 'bytes=4-8' } })
  expect([range.status, await range.text()]).toEqual([206, 'bytes'])
  const head = await fetch(url, { method: 'HEAD' })
  expect([head.status, head.headers.get('accept-ranges')]).toEqual([200, 'bytes'])
  const byCookie = await fetch(`${gate.url}/recordings/one`, { headers: { Cookie: cookie } })
  expect(await byCookie.text()).toBe('the bytes of one')
})

test('the URL of a ticket begins with PUBLIC_URL, whatever Host says', async () => {
  const token = await idp.token('patient-1')
  for (const [host, forwarded] of [
    ['evil.example', ''],
    ['evil.example:8443', 'X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\n'],
  ]) {
    const head = `POST /recordings/one/ticket HTTP/1.1\r\nHost: ${host}\r\n${forwarded}Connection: close\r\nContent-Length: 0\r\n`
    const { status, body } = await sendRaw(gate.port, `${head}Authorization: Bearer ${token}\r\n\r\n`)
    expect(status).toBe(201)
    expect(body.toString()).toContain(`"url":"${gate.url}/play/`)
    expect(body.toString()).not.toContain('evil')
  }
  const configuration = `GET /.well-known/authzen-configuration HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n`
  const { body } = await sendRaw(gate.port, configuration)
  expect(JSON.parse(body.toString())).toMatchObject({ policy_decision_point: gate.url })
})

test('a ticket for a recording of parts takes the name of a part, and an absent part gets no ticket', async () => {
  const response = await ask('/recordings/set', 'patient-1')
  const issued = (await response.json()) as { url: string; append?: boolean }
  expect([response.status, issued.append]).toEqual([201, true])
  expect(await (await fetch(`${issued.url}/video/0.m4s`)).text()).toBe('a segment')
  const one = (await (await ask('/recordings/one', 'patient-1')).json()) as { append?: boolean }
  expect(one).not.toHaveProperty('append')
  for (const path of ['/recordings/set/none.ts', '/recordings/two/none.ts', '/recordings/none/none.ts'])
    expect((await ask(path, 'patient-1')).status).toBe(404)
})

test('a URL relative to that of a ticket plays by the same ticket', async () => {
  const { url } = await ticketFor('/recordings/set/master.m3u8')
  expect(await (await fetch(new URL('video/0.m4s', url))).text()).toBe('a segment')
})

test('an expired ticket gets 401, by its URL and its cookie, and a new one plays', async () => {
  const { url, cookie } = await ticketFor('/recordings/one')
  expect((await fetch(url)).status).toBe(200)
  await new Promise(resolve => setTimeout(resolve, 3000))
  expect((await fetch(url)).status).toBe(401)
  expect((await fetch(`${gate.url}/recordings/one`, { headers: { Cookie: cookie } })).status).toBe(401)
  expect((await fetch((await ticketFor('/recordings/one')).url)).status).toBe(200)
  const reasons = (await denials(gate, idp)).map(({ reason }) => reason)
  expect(reasons.filter(reason => reason === 'ticket_expired')).toHaveLength(2)
})

test('a page of an allowed origin can read a ticket, and the refusal of one', async () => {
  const preflight = await fetch(`${gate.url}/recordings/one/ticket`, {
    method: 'OPTIONS',
    headers: { Origin: APP, 'Access-Control-Request-Method': 'POST' },
  })
  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
  for (const [subject, status] of [
    ['patient-1', 201],
    ['patient-2', 404],
  ] as const) {
    const response = await ask('/recordings/one', subject, { Origin: APP })
    expect(response.status).toBe(status)
    expect(response.headers.get('access-control-allow-origin')).toBe(APP)
    expect(response.headers.get('access-control-allow-credentials')).toBe('true')
    await response.arrayBuffer()
  }
})

test('the cookie for one recording does not open another of the same owner', async () => {
  const { cookie } = await ticketFor('/recordings/set')
  const response = await fetch(`${gate.url}/recordings/one`, { headers: { Cookie: cookie } })
  expect(response.status).toBe(401)
})

test.each(['/../../recordings/two', '/%2e%2e/two', '/..%2ftwo', '//recordings/two', '?ticket=two', '/two'])(
  'the URL of a ticket with %s behind it does not open another recording',
  async more => {
    const { url } = await ticketFor('/recordings/one')
    const response = await fetch(url + more)
    expect(await response.text()).not.toContain('bytes of two')
  },
)

test('the log has a ticket and the view that it opened as records of their own, and neither as a denial', async () => {
  const { url } = await ticketFor('/recordings/set/master.m3u8')
  for (const part of ['', 'video/0.m4s', 'video/0.m4s'])
    expect((await fetch(new URL(part, url))).status).toBe(200)
  const ticket = (await records(gate, idp, 'ticket')).at(-1)
  expect(ticket).toMatchObject({ decision: 'permit', recording: 'set', part: 'master.m3u8' })
  const views = (await records(gate, idp, 'view')).filter(view => view.ticket === ticket?.id)
  expect(views.at(-1)).toMatchObject({
    recording: 'set',
    owner: ticket?.subject,
    subject: ticket?.subject,
  })
  expect(views).toHaveLength(1)
  expect((await denials(gate, idp)).every(({ kind }) => kind === 'access')).toBe(true)
  const bad = await fetch(`${gate.url}/console/api/records?kind=x`, {
    headers: await idp.bearer('a', { roles: ['security'] }),
  })
  expect(bad.status).toBe(400)
})

test('a ticket appears in no record and in no output of the gate', async () => {
  const { url } = await ticketFor('/recordings/one')
  const ticket = url.split('/').at(-1) ?? ''
  const broken = `${ticket.slice(0, -1)}${ticket.endsWith('A') ? 'Q' : 'A'}`
  expect((await fetch(`${gate.url}/play/${broken}`)).status).toBe(401)
  const log = JSON.stringify(await denials(gate, idp))
  expect(log).toContain('ticket_invalid')
  for (const piece of [ticket.slice(0, 16), ticket.slice(20, 60)]) {
    expect(log).not.toContain(piece)
    expect(gate.said()).not.toContain(piece)
  }
})
