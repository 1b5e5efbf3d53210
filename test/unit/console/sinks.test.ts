import type { JWTPayload } from 'jose'
import { expect, test, vi } from 'vitest'
import type { SinkControl, SinkStatus } from '../../../src/sinks/control.ts'
import { createIssuer } from '../../support/gate-client.ts'
import { memoryGate } from '../../support/memory-gate.ts'

// The console's API for sinks: who may call it, and what stays on record of it.

vi.spyOn(console, 'error').mockImplementation(() => {})

const STATUS: SinkStatus = {
  name: 'siem',
  type: 'splunk',
  index: 3,
  behind: 0,
  behind_s: 0,
  deadLetters: 0,
  dead: [],
}
const idp = await createIssuer()

async function setUp(more: Partial<SinkControl> = {}) {
  const asked: unknown[] = []
  const sinkControl: SinkControl = {
    list: async () => [STATUS],
    test: async name => {
      asked.push(name)
      return { taken: true }
    },
    replay: async (name, replay) => {
      asked.push([name, replay])
      return { from: 3 }
    },
    ...more,
  }
  const gate = await memoryGate({ issuers: [idp.entry({ tenant_claim: 'tenant' })], sinkControl }, idp)
  const all = { issuers: [idp.entry()], sinkControl }
  return { asked, tenants: gate, gate: await memoryGate(all, idp) }
}
const analyst = { roles: ['security'] }
const post = (body: unknown, claims: JWTPayload = analyst) => ({
  method: 'POST',
  claims,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

test('sinks are listed, tested and replayed, and each call is on record before it is done', async () => {
  const { gate, asked } = await setUp()
  const list = await gate.ask('analyst-1', '/console/api/sinks', { claims: analyst })
  expect(await list.json()).toEqual({ sinks: [STATUS] })
  expect(list.headers.get('cache-control')).toContain('no-store')
  const tested = await gate.ask('analyst-1', '/console/api/sinks/test', post({ name: 'siem' }))
  expect(await tested.json()).toEqual({ taken: true })
  const replay = { from: '2026-11-22T10:24:03.000Z', dead: true }
  await gate.ask(
    'analyst-1',
    '/console/api/sinks/replay',
    post({ name: 'siem', from: '2026-11-22T10:24:03Z', dead: true }),
  )
  expect(asked).toEqual(['siem', ['siem', replay]])
  expect(await gate.events('console')).toMatchObject([
    { action: 'sinks' },
    { action: 'sink_test', sink: 'siem' },
    { action: 'sink_replay', sink: 'siem', replay },
  ])
})

test('nothing is done that can not be recorded', async () => {
  const { gate, asked } = await setUp()
  vi.spyOn(gate.ledger, 'append').mockRejectedValue(new Error('down'))
  expect((await gate.ask('analyst-1', '/console/api/sinks/test', post({ name: 'siem' }))).status).toBe(503)
  expect(asked).toEqual([])
})

test.each([
  ['an analyst of one tenant', { roles: ['security'], tenant: 'clinic-north' }],
  ['a caller without the role', { roles: ['recorder'], tenant: 'clinic-north' }],
])('%s may neither list, test nor replay sinks', async (_, claims) => {
  const { tenants, asked } = await setUp()
  expect((await tenants.ask('analyst-2', '/console/api/sinks', { claims })).status).toBe(404)
  for (const call of ['test', 'replay']) {
    const body = post({ name: 'siem', from: 0 }, claims)
    expect((await tenants.ask('analyst-2', `/console/api/sinks/${call}`, body)).status).toBe(404)
  }
  expect(asked).toEqual([])
})

test.each([
  ['test', { name: 'nope' }],
  ['test', {}],
  ['test', []],
  ['replay', { name: 'siem' }],
  ['replay', { name: 'siem', dead: false }],
  ['replay', { name: 'siem', from: -1 }],
  ['replay', { name: 'siem', from: 1.5 }],
  ['replay', { name: 'siem', from: '2026-02-30T00:00:00Z' }],
  ['replay', { name: 'siem', from: 0, dead: 'yes' }],
])('%s with %j is 400', async (call, body) => {
  const { gate, asked } = await setUp()
  expect((await gate.ask('analyst-1', `/console/api/sinks/${call}`, post(body))).status).toBe(400)
  expect(asked).toEqual([])
})

test('a name that no receiver has is answered with where the names are', async () => {
  const { gate } = await setUp()
  const response = await gate.ask(
    'analyst-1',
    '/console/api/sinks/replay',
    post({ name: 'alert:slack', from: 0 }),
  )
  expect(await response.json()).toMatchObject({ detail: expect.stringMatching(/SINKS.*"alert:".*ALERTS/) })
})

test('a gate without sinks lists none, and a log that fails is 503', async () => {
  const bare = await memoryGate({ issuers: [idp.entry()] }, idp)
  expect(await (await bare.ask('analyst-1', '/console/api/sinks', { claims: analyst })).json()).toEqual({
    sinks: [],
  })
  const { gate } = await setUp({ list: async () => Promise.reject(new Error('down')) })
  expect((await gate.ask('analyst-1', '/console/api/sinks', { claims: analyst })).status).toBe(503)
})
