import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, type TestIssuer, variables } from '../support/gate-client.ts'
import { SinkServer } from '../support/sink-server.ts'

// A refusal leaves for a webhook, on every runtime.

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
let idp: TestIssuer
let sink: SinkServer
let gate: RunningGate

beforeAll(async () => {
  idp = await createIssuer()
  sink = await SinkServer.start()
  const entry = {
    type: 'webhook',
    url: `${sink.url}/hook`,
    secret: { secret: 'HOOK_SECRET' },
    kinds: ['access'],
    allow_internal: true,
  }
  gate = await startGate({
    vars: { ...variables(idp), SINKS: JSON.stringify([entry]), HOOK_SECRET: SECRET },
  })
})
afterAll(async () => {
  await gate.stop()
  sink.stop()
})

const refuse = async (recording: string) => {
  const response = await fetch(`${gate.url}/recordings/${recording}`, {
    headers: await idp.bearer('patient-007'),
  })
  return { status: response.status, id: ((await response.json()) as { instance: string }).instance.slice(9) }
}

test('a refusal arrives at a webhook within two seconds, signed and with the id that the caller was given', async () => {
  const begun = Date.now()
  const { id, status } = await refuse('rec-none')
  expect(status).toBe(404)
  await vi.waitFor(() => expect(sink.calls).toHaveLength(1), { timeout: 10_000, interval: 20 })
  expect((sink.calls[0]?.at ?? 0) - begun).toBeLessThan(2_000)
  expect(sink.calls[0]).toMatchObject({ method: 'POST', path: '/hook', headers: { 'webhook-id': id } })
  expect(sink.bodies[0]).toMatchObject({
    type: 'mediaward.access',
    data: { id, index: expect.any(Number), reason: 'recording_unknown' },
  })
})

test('what a webhook did not take while it was down arrives when it is back, in order', async () => {
  sink.answer = () => ({ status: 503, headers: { 'Retry-After': '1' } })
  const ids: string[] = []
  for (let i = 0; i < 5; i++) ids.push((await refuse(`rec-${i}`)).id)
  await vi.waitFor(() => expect(sink.calls.length).toBeGreaterThan(1), { timeout: 10_000 })
  const before = sink.calls.length
  sink.answer = () => ({ status: 204 })
  const arrived = () => sink.calls.slice(before).map(({ headers }) => headers['webhook-id'])
  await vi.waitFor(() => expect(arrived().slice(-5)).toEqual(ids), { timeout: 30_000 })
})
