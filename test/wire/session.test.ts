import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../../src/cli/local-gate.ts'
import { readPaced } from '../streams/paced-reader.ts'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, records, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { type OpenIdProvider, SIGNED, startOpenIdProvider } from '../support/openid-provider.ts'

// A login that ends before its tokens do: at a real OpenID provider, which calls the gate, and by an analyst's word.

const MIB = 2 ** 20
const SIZE = 96 * MIB
/** How soon a login has ended, in milliseconds. */
const BOUND = 2_000

let provider: OpenIdProvider
let staff: TestIssuer
let gate: RunningGate

beforeAll(async () => {
  const port = await freePort()
  provider = await startOpenIdProvider({ logout: { url: `http://127.0.0.1:${port}/session/logout` } })
  staff = await createIssuer()
  const given = variables(staff)
  const entry = provider.signedEntry({ clients: ['app'] })
  gate = await startGate({
    port,
    vars: {
      ...given,
      ISSUERS: JSON.stringify([...JSON.parse(given.ISSUERS ?? ''), entry]),
      TICKET_KEY: 'only for tests: no secret protects these tickets',
    },
  })
  const owner = { 'Mediaward-Owner-Issuer': provider.issuer }
  const bytes = new Uint8Array(SIZE)
  expect((await store(gate, staff, '/recordings/rec-1', 'patient-1', bytes, owner)).status).toBe(201)
  expect((await store(gate, staff, '/recordings/rec-2', 'patient-2', 'media', owner)).status).toBe(201)
})
afterAll(async () => {
  await gate.stop()
  await provider.close()
})

const logIn = (patient = 'patient-1') => provider.logIn(patient, { resource: SIGNED })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  const response = await fetch(url, { headers: { ...headers, Range: 'bytes=0-99' } })
  await response.arrayBuffer()
  return response.status
}
const play = (token: string, recording = 'rec-1') =>
  statusOf(`${gate.url}/recordings/${recording}`, bearer(token))
async function ticketOf(token: string): Promise<string> {
  const response = await fetch(`${gate.url}/recordings/rec-1/ticket`, {
    method: 'POST',
    headers: bearer(token),
  })
  expect(response.status).toBe(201)
  return ((await response.json()) as { readonly url: string }).url
}
/** Waits until a request is answered 401. Returns how long that took. */
async function refused(ask: () => Promise<number>): Promise<number> {
  const begun = performance.now()
  while ((await ask()) !== 401) {
    if (performance.now() - begun > 10_000) throw new Error('it was never refused')
    await wait(20)
  }
  return performance.now() - begun
}
const lastReason = async () => (await denials(gate, staff)).at(-1)?.reason
const revoke = async (call: object, roles: readonly string[] = ['security']) => {
  const response = await fetch(`${gate.url}/session/revoke`, {
    method: 'POST',
    headers: { ...(await staff.bearer('analyst-1', { roles })), 'Content-Type': 'application/json' },
    body: JSON.stringify({ issuer: provider.issuer, reason: 'a stolen phone', ...call }),
  })
  await response.text()
  return response.status
}
/** A login after a logout is of a later second, as tokens say when they were issued in whole seconds. */
const nextSecond = () => wait(1_000 - (Date.now() % 1_000) + 20)

describe('a logout at the provider', () => {
  test('ends the login’s tokens and tickets within two seconds, and those of no other', async () => {
    const [one, other] = [await logIn(), await logIn('patient-2')]
    const ticket = await ticketOf(one.access_token)
    expect(await play(one.access_token)).toBe(206)
    expect(await statusOf(ticket)).toBe(206)
    await one.logOut()
    expect(await refused(() => play(one.access_token))).toBeLessThan(BOUND)
    expect(await lastReason()).toBe('token_revoked')
    expect(await statusOf(ticket)).toBe(401)
    expect(await play(other.access_token, 'rec-2')).toBe(206)
    const logout = (await records(gate, staff, 'lockdown')).at(-1)
    expect(logout).toMatchObject({
      action: 'logout',
      issuer: provider.issuer,
      target: expect.stringMatching(/^psn_/),
    })
  })

  test('does not keep the person from logging in again', async () => {
    await (await logIn()).logOut()
    await nextSecond()
    expect(await play((await logIn()).access_token)).toBe(206)
  })

  test('cuts a stream in flight within two seconds', async () => {
    await nextSecond()
    const login = await logIn()
    const stream = readPaced(`${gate.url}/recordings/rec-1`, bearer(login.access_token), 16 * MIB)
    while (stream.bytes() < MIB) await wait(20)
    await login.logOut()
    const done = performance.now()
    const answer = await Promise.race([stream.over, wait(20_000, undefined)])
    stream.leave()
    expect(answer, 'it was not cut').toBeDefined()
    expect(answer?.head).toContain(`content-length: ${SIZE}`)
    expect(answer?.bytes).toBeLessThan(SIZE)
    expect((answer?.last ?? 0) - done).toBeLessThan(BOUND)
  })

  test('outlives the gate: the token is refused after a crash', async () => {
    await nextSecond()
    const login = await logIn()
    expect(await play(login.access_token)).toBe(206)
    await login.logOut()
    await gate.kill()
    const { data, port } = gate
    gate = await startGate({ data, port, varsFile: `${data}/test.vars` })
    expect(await refused(() => play(login.access_token))).toBeLessThan(BOUND)
  })
})

describe('/session/revoke', () => {
  test('ends the logins of a person, streams in flight included', async () => {
    await nextSecond()
    const { access_token } = await logIn()
    const ticket = await ticketOf(access_token)
    const stream = readPaced(`${gate.url}/recordings/rec-1`, bearer(access_token), 16 * MIB)
    while (stream.bytes() < MIB) await wait(20)
    expect(await revoke({ sub: 'patient-1' })).toBe(201)
    const done = performance.now()
    expect(await refused(() => play(access_token))).toBeLessThan(BOUND)
    expect(await statusOf(ticket)).toBe(401)
    const answer = await Promise.race([stream.over, wait(20_000, undefined)])
    stream.leave()
    expect(answer?.bytes, 'it was not cut').toBeLessThan(SIZE)
    expect((answer?.last ?? 0) - done).toBeLessThan(BOUND)
    await nextSecond()
    expect(await play((await logIn()).access_token)).toBe(206)
  })

  test('ends one session, or one token, and no other of the same person', async () => {
    const owner = { 'Mediaward-Owner-Issuer': staff.issuer }
    expect((await store(gate, staff, '/recordings/rec-3', 'patient-3', 'media', owner)).status).toBe(201)
    const token = (claims: object) => staff.token('patient-3', { ...claims })
    const [one, other] = [await token({ sid: 's-1', jti: 'j-1' }), await token({ sid: 's-2', jti: 'j-2' })]
    expect(await play(one, 'rec-3')).toBe(206)
    expect(await revoke({ issuer: staff.issuer, sid: 's-1' })).toBe(201)
    expect(await refused(() => play(one, 'rec-3'))).toBeLessThan(BOUND)
    expect(await play(other, 'rec-3')).toBe(206)
    expect(await revoke({ issuer: staff.issuer, jti: 'j-2' })).toBe(201)
    expect(await refused(() => play(other, 'rec-3'))).toBeLessThan(BOUND)
    expect(await play(await token({ sid: 's-2', jti: 'j-3' }), 'rec-3')).toBe(206)
  })

  test.each([[[]], [['app']], [['recorder']]])('is not for the roles %j', async roles => {
    await nextSecond()
    const { access_token } = await logIn()
    expect(await revoke({ sub: 'patient-1' }, roles)).toBe(404)
    await wait(BOUND)
    expect(await play(access_token)).toBe(206)
  })
})

test('no record has a person’s name', async () => {
  const all = JSON.stringify(await records(gate, staff)) + gate.said()
  expect(all).not.toMatch(/patient-\d|stolen/)
})
