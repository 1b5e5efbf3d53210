import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createIssuer, type TestIssuer } from '../support/gate-client.ts'
import { RUNTIMES, type RunningApp, startApp } from './start-app.ts'

// A key is withdrawn, and the gate's clock is moved: what a thief of that key is answered, over real HTTP.

const ISSUER = 'https://login.clinic.test/'
const DAY = 86_400

describe.each(RUNTIMES)('on %s', runtime => {
  let app: RunningApp
  let server: Server
  let answer: (response: ServerResponse) => void
  let visits: number
  let stolen: TestIssuer
  let fresh: TestIssuer

  beforeAll(async () => {
    app = await startApp(runtime, 'clock-app.ts')
    server = createServer((_, response) => {
      visits++
      answer(response)
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    stolen = await createIssuer(ISSUER, 'recordings', 'stolen')
    fresh = await createIssuer(ISSUER, 'recordings', 'fresh')
  })
  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await app.stop()
  })
  beforeEach(async () => {
    visits = 0
    answer = publishing(stolen)
    await createGate()
  })

  const createGate = (more: object = {}) => {
    const jwks_uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`
    return post('/gate', JSON.stringify({ issuer: ISSUER, jwks_uri, ...more }))
  }

  const publishing =
    (idp: TestIssuer, delay = 0) =>
    (response: ServerResponse) =>
      void setTimeout(() => response.end(JSON.stringify(idp.jwks)), delay)
  const post = (path: string, body?: string) =>
    fetch(app.url + path, { method: 'POST', ...(body !== undefined && { body }) })
  const minutes = (count: number) => post(`/clock/${count}`)
  const tokens = (idp: TestIssuer, count: number) =>
    Promise.all(
      Array.from({ length: count }, () => idp.token('patient-1', { exp: Date.now() / 1000 + 2 * DAY })),
    )
  async function show(token: string, method = 'GET', path = '/recordings/rec-1'): Promise<number> {
    const response = await fetch(app.url + path, { method, headers: { authorization: `Bearer ${token}` } })
    await response.arrayBuffer()
    return response.status
  }

  test.each([10.7, 60, 12 * 60, 23.9 * 60])(
    'a key withdrawn %s minutes ago opens nothing, though no request came in between',
    async silence => {
      const [first = '', ...others] = await tokens(stolen, 20)
      const [good = ''] = await tokens(fresh, 1)
      expect(await show(first)).toBe(200)
      answer = publishing(fresh, 50)
      await minutes(silence)
      const statuses = await Promise.all([
        show(first),
        show(first, 'POST', '/recordings/rec-1/ticket'),
        ...others.map(token => show(token)),
      ])
      expect(new Set(statuses)).toEqual(new Set([401]))
      expect(await show(good)).toBe(200)
      expect(visits).toBeLessThanOrEqual(3)
    },
  )

  test('the tokens of a withdrawn key are refused as soon as the newer keys have arrived', async () => {
    const [first = '', ...others] = await tokens(stolen, 120)
    expect(await show(first)).toBe(200)
    answer = publishing(fresh, 400)
    await minutes(9)
    const meanwhile = await Promise.all(
      others.map(async (token, index) => {
        await pause(index * 3)
        return show(token)
      }),
    )
    // The keys are fresh still: none waited.
    expect(meanwhile).toContain(200)
    await pause(600)
    const after = await Promise.all([first, ...others].map(token => show(token)))
    expect(new Set(after)).toEqual(new Set([401]))
    expect(visits).toBeLessThanOrEqual(3)
  })

  test('a key of a second rotation plays 15 seconds after the first, though forged tokens came in between', async () => {
    const [first = ''] = await tokens(stolen, 1)
    expect(await show(first)).toBe(200)
    answer = publishing(fresh)
    const [second = ''] = await tokens(fresh, 1)
    expect(await show(second)).toBe(200)
    const third = await createIssuer(ISSUER, 'recordings', 'fresh')
    const forger = await createIssuer(ISSUER, 'recordings', 'fresh')
    answer = publishing(third)
    const genuine = await tokens(third, 2)
    const forged = await tokens(forger, 20)
    expect(await show(genuine[0] ?? '')).toBe(401)
    for (const token of forged) {
      expect(await show(token)).toBe(401)
      await minutes(0.7 / 60)
    }
    await minutes(1 / 60)
    expect(await show(genuine[1] ?? '')).toBe(200)
    expect(visits).toBe(3)
  })

  test('keys from a function of the app are kept and renewed as those from a server', async () => {
    await createGate({ computed: true })
    const [one = '', ...others] = await tokens(stolen, 5)
    const [good = ''] = await tokens(fresh, 1)
    for (const token of [one, ...others]) expect(await show(token)).toBe(200)
    expect(visits).toBe(1)
    answer = publishing(fresh)
    expect(await show(good)).toBe(200)
    expect(await show(one)).toBe(401)
    answer = response => void response.writeHead(500).end('down')
    await minutes(11)
    expect(await show(good)).toBe(200)
    await minutes(24 * 60)
    expect(await show(good)).toBe(503)
  })

  test('one request waits two seconds for a key server that hangs, and the next ones do not wait', async () => {
    const [one = ''] = await tokens(stolen, 1)
    expect(await show(one)).toBe(200)
    answer = () => {}
    await minutes(11)
    const began = performance.now()
    expect(await show(one)).toBe(200)
    const waited = performance.now() - began
    expect(waited).toBeGreaterThan(1_900)
    expect(waited).toBeLessThan(3_500)
    for (let i = 0; i < 5; i++) expect(await show(one)).toBe(200)
    expect(performance.now() - began - waited).toBeLessThan(1_500)
    // After a day the old keys are none.
    await minutes(24 * 60)
    expect(await show(one)).toBe(503)
  })
})
