import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { nameSpaceOf } from '../../src/authorize/subject.ts'
import { createPseudonymizer } from '../../src/ledger/pseudonym.ts'
import { run } from '../support/command.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, PSEUDONYM_KEY, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { type SinkCall, SinkServer } from '../support/sink-server.ts'

// From a refusal to the telephone of who is on call, on every runtime, whatever fails in between.

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
/** How soon an alert arrives, in milliseconds. */
const BOUND = 2_000
const WAIT = { timeout: 40_000, interval: 20 }

let idp: TestIssuer
let pager: SinkServer
let chat: SinkServer
let incidents: SinkServer
/** No request of these tests goes there: alerts name it. */
const PUBLIC_URL = 'https://staging.clinic.example'
let gate: RunningGate
let vars: Record<string, string>

beforeAll(async () => {
  idp = await createIssuer()
  pager = await SinkServer.start()
  chat = await SinkServer.start()
  incidents = await SinkServer.start()
  vars = {
    ...variables(idp),
    PUBLIC_URL,
    ALERTS: JSON.stringify([
      {
        ...{ type: 'webhook', name: 'on-call', url: `${pager.url}/hook`, secret: { secret: 'HOOK' } },
        allow_internal: true,
      },
      { type: 'slack', secret: { secret: 'CHAT' }, allow_internal: true },
      {
        ...{ type: 'pagerduty', url: `${incidents.url}/v2/enqueue`, secret: { secret: 'PAGERDUTY' } },
        ...{ escalation: true, allow_internal: true },
      },
    ]),
    HOOK: SECRET,
    PAGERDUTY: 'only-for-tests',
    CHAT: `${chat.url}/services/T0/B0/only-for-tests`,
  }
  gate = await startGate({ vars })
  for (let i = 1; i <= 20; i++) {
    expect((await store(gate, idp, `/recordings/rec-${i}`, `patient-${i}`, 'media')).status).toBe(201)
  }
})
beforeEach(() => {
  pager.answer = () => ({ status: 200 })
  chat.answer = () => ({ status: 200 })
  incidents.answer = () => ({ status: 202 })
})
afterAll(async () => {
  await gate.stop()
  pager.stop()
  chat.stop()
  incidents.stop()
})

const pseudonym = createPseudonymizer(PSEUDONYM_KEY)
let people = 0
/** A person who was never seen asks for what is not theirs. Returns the calls of the webhook about that. */
async function intrude(): Promise<() => readonly SinkCall[]> {
  people += 1
  const person = `stranger-${people}`
  const headers = await idp.bearer(person, { sid: `s-${people}` })
  const response = await fetch(`${gate.url}/recordings/rec-${people}`, { headers })
  expect(response.status).toBe(404)
  await response.arrayBuffer()
  const name = await pseudonym('subject', nameSpaceOf({ issuer: idp.issuer }), person)
  return () => pager.calls.filter(call => isAlert(call) && isAbout(call, name))
}
const dataOf = (call: SinkCall | undefined) =>
  (JSON.parse(call?.body.toString() ?? '{}') as { readonly data: Record<string, unknown> }).data
/** Several strangers in a row are a finding of other rules, too. */
const isAlert = (call: SinkCall) => dataOf(call).rule === 'RG-001'
const isAbout = (call: SinkCall, name: string) =>
  (dataOf(call).about as readonly string[]).some(line => line === `subject: ${name.slice(0, 12)}…`)
const idsOf = (calls: readonly SinkCall[]) => new Set(calls.map(({ headers }) => headers['webhook-id']))
const alertTest = async (...args: string[]) =>
  run([
    ...['alert-test', ...args, '--url', gate.url],
    ...['--token', await idp.token('analyst-1', { roles: ['security'] })],
  ])

test('a refusal alerts within two seconds: signed, once, and without a name', async () => {
  const begun = Date.now()
  const calls = await intrude()
  await vi.waitFor(() => expect(calls()).toHaveLength(1), WAIT)
  const [call] = calls()
  expect((call?.at ?? 0) - begun).toBeLessThan(BOUND)
  const headers = Object.fromEntries(
    ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(name => [name, `${call?.headers[name]}`]),
  )
  const body = call?.body.toString() ?? ''
  expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({
    type: 'mediaward.finding.opened',
    data: { rule: 'RG-001', action: 'opened', count: 1, gate: 'staging.clinic.example' },
  })
  expect(body).not.toMatch(/stranger|patient-1|rec-1|psn_[0-9a-f]{9}/)
  const show = `mediaward findings show ${dataOf(call).finding} --url ${PUBLIC_URL}`
  await vi.waitFor(() => expect(chat.bodies.map(({ text }) => text).join()).toContain(show), WAIT)
})

describe('a receiver', () => {
  test.each([500, 503, 429])(
    'that answers %i is asked again with the same id, until it takes it',
    async status => {
      let left = 2
      pager.answer = call => ({ status: isAlert(call) && left-- > 0 ? status : 204 })
      const calls = await intrude()
      await vi.waitFor(() => expect(calls()).toHaveLength(3), WAIT)
      expect(idsOf(calls()).size).toBe(1)
      // What comes after it is not lost, and not sent before it.
      const later = await intrude()
      await vi.waitFor(() => expect(later()).toHaveLength(1), WAIT)
      expect(idsOf([...calls(), ...later()]).size).toBe(2)
    },
  )

  test('that redirects is not followed, and the operator reads so', async () => {
    pager.answer = ({ path }) =>
      path === '/hook' ? { status: 307, headers: { Location: `${chat.url}/elsewhere` } } : { status: 200 }
    const before = chat.calls.length
    const calls = await intrude()
    await vi.waitFor(() => expect(calls().length).toBeGreaterThan(0), WAIT)
    expect(await alertTest('on-call')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/on-call did not take the test: status 307: redirects are not followed/),
    })
    expect(chat.calls.slice(before).map(({ path }) => path)).not.toContain('/elsewhere')
    const tries = calls().length
    pager.answer = () => ({ status: 204 })
    await alertTest('on-call')
    await vi.waitFor(() => expect(calls().length).toBeGreaterThan(tries), WAIT)
    expect(idsOf(calls()).size).toBe(1)
  })

  test('that hangs holds up no other, and is asked again', async () => {
    pager.answer = () => undefined
    const before = chat.calls.length
    const begun = Date.now()
    const calls = await intrude()
    await vi.waitFor(() => expect(chat.calls.length).toBeGreaterThan(before), WAIT)
    expect((chat.calls.at(-1)?.at ?? 0) - begun).toBeLessThan(BOUND)
    await vi.waitFor(() => expect(calls()).toHaveLength(1), WAIT)
    pager.answer = () => ({ status: 204 })
    await vi.waitFor(() => expect(calls()).toHaveLength(2), WAIT)
    expect(idsOf(calls()).size).toBe(1)
    // A call may take half a minute.
    expect((calls()[1]?.at ?? 0) - begun).toBeGreaterThan(20_000)
  })
})

describe('mediaward alert-test', () => {
  test('says who took it, and who did not', async () => {
    chat.answer = () => ({ status: 404 })
    const { code, stderr } = await alertTest()
    expect(code).toBe(1)
    expect(stderr).toMatch(/on-call took the test\n/)
    expect(stderr).toMatch(/slack did not take the test: status 404: check "url"\n/)
    expect(stderr).toContain('1 of 3 did not take the test')
    expect(stderr).not.toContain('only-for-tests')
    expect(pager.bodies.at(-1)).toMatchObject({ type: 'mediaward.test' })
  })

  test('tests one alone, and writes JSON', async () => {
    const before = chat.calls.length
    const { code, stdout } = await alertTest('on-call', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({ name: 'on-call', taken: true })
    expect(chat.calls).toHaveLength(before)
  })

  test('leaves no incident open at a pager: what it triggers is resolved in the same breath', async () => {
    const before = incidents.bodies.length
    expect((await alertTest('pagerduty')).code).toBe(0)
    const [begun, ended, ...more] = incidents.bodies.slice(before)
    expect([begun?.event_action, ended?.event_action, more]).toEqual(['trigger', 'resolve', []])
    expect(begun?.dedup_key).toMatch(/^mediaward-[0-9a-f-]{36}$/)
    expect(ended?.dedup_key).toBe(begun?.dedup_key)
  })

  test('has failed if the pager does not take the end', async () => {
    incidents.answer = ({ body }) => ({ status: `${body}`.includes('"resolve"') ? 500 : 202 })
    const { code, stderr } = await alertTest('pagerduty')
    expect([code, stderr]).toEqual([1, expect.stringContaining('did not take the test: status 500')])
  })

  test('knows only who is in ALERTS', async () => {
    expect(await alertTest('nope')).toMatchObject({ code: 1, stderr: expect.stringContaining('no "nope"') })
  })
})

describe('a gate that is killed', () => {
  test('before a receiver has answered alerts it again, with the same id', async () => {
    pager.answer = () => undefined
    const calls = await intrude()
    await vi.waitFor(() => expect(calls()).toHaveLength(1), WAIT)
    await gate.kill()
    pager.answer = () => ({ status: 204 })
    gate = await startGate({ vars, data: gate.data, port: gate.port })
    await vi.waitFor(() => expect(calls().length).toBeGreaterThan(1), WAIT)
    expect(idsOf(calls()).size).toBe(1)
    expect(dataOf(calls().at(-1))).toMatchObject({ action: 'opened', count: 1 })
  })

  test('right after a refusal alerts all the same', async () => {
    for (let i = 0; i < 3; i++) {
      const calls = await intrude()
      await gate.kill()
      gate = await startGate({ vars, data: gate.data, port: gate.port })
      await vi.waitFor(() => expect(calls().length).toBeGreaterThan(0), WAIT)
      expect(idsOf(calls()).size).toBe(1)
    }
  })
})

test('a gate that would call an internal address does not start', async () => {
  const entry = {
    type: 'webhook',
    url: `${pager.url.replace('http:', 'https:')}/hook`,
    secret: { secret: 'HOOK' },
  }
  await expect(startGate({ vars: { ...vars, ALERTS: JSON.stringify([entry]) } })).rejects.toThrow(
    /ALERTS\[0\]\.url .*leads into an internal network/,
  )
  const hidden = { type: 'slack', secret: { secret: 'CHAT' } }
  await expect(startGate({ vars: { ...vars, ALERTS: JSON.stringify([hidden]) } })).rejects.toThrow(
    /ALERTS\[0\]\.secret/,
  )
})
