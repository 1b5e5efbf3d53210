import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { run } from '../support/command.ts'
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

describe('mediaward sinks', () => {
  const sinks = async (...args: string[]) =>
    run([
      'sinks',
      ...args,
      '--url',
      gate.url,
      '--token',
      await idp.token('analyst-1', { roles: ['security'] }),
    ])
  const listed = async () => JSON.parse((await sinks('--json')).stdout).sinks[0] as Record<string, unknown>

  test('lists a sink, how far it is and what went wrong last', async () => {
    expect(await listed()).toMatchObject({
      name: 'webhook',
      type: 'webhook',
      behind: expect.any(Number),
      deadLetters: 0,
      lastError: { message: 'status 503' },
    })
    const { stdout, code } = await sinks()
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^webhook +webhook +\d+ behind \(\d+ s\) +last success 20.*0 dead {2}last error 20.*: status 503\n$/,
    )
    expect(stdout).not.toContain(SECRET.slice(6))
  })

  test('sends a test record that is marked as one, and says what the sink answered', async () => {
    const before = sink.calls.length
    sink.answer = () => ({ status: 200 })
    expect(await sinks('test', 'webhook')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('took a test record'),
    })
    expect(sink.bodies.slice(before)).toMatchObject([
      { type: 'mediaward.test', data: { kind: 'test', index: -1 } },
    ])
    sink.answer = () => ({ status: 401 })
    expect(await sinks('test', 'webhook')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('did not take a test record: status 401: check the secret'),
    })
    sink.answer = () => ({ status: 200 })
  })

  test('has a sink send records again from an index, and each look is on record', async () => {
    const first = sink.calls[0]?.headers['webhook-id']
    const before = sink.calls.length
    expect(await sinks('replay', 'webhook', '--from', '0')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('everything from index 0 on'),
    })
    await vi.waitFor(() => expect(sink.calls.length).toBeGreaterThan(before), { timeout: 10_000 })
    expect(sink.calls[before]?.headers['webhook-id']).toBe(first)
    const log = await fetch(`${gate.url}/console/api/records?kind=console`, {
      headers: await idp.bearer('analyst-1', { roles: ['security'] }),
    })
    const actions = [...(await log.text()).matchAll(/"action":"(sink\w*)"/g)].map(([, action]) => action)
    expect(new Set(actions)).toEqual(new Set(['sinks', 'sink_test', 'sink_replay']))
  })

  test.each([
    [['test', 'nope'], 'name must be that of a sink'],
    [['replay', 'webhook'], 'from is missing'],
    [['replay', 'webhook', '--from', 'yesterday'], 'is not a time'],
    [['test'], 'name the sink'],
    [['purge', 'webhook'], 'it may be test or replay'],
  ])('refuses %j, and says why', async (args, message) => {
    expect(await sinks(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  })
})
