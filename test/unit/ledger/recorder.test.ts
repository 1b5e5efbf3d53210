import { beforeEach, describe, expect, test, vi } from 'vitest'
import { callerNetwork } from '../../../src/base/network.ts'
import type { AccessEvent, Ledger } from '../../../src/index.ts'
import { withSpool } from '../../../src/index.ts'
import { createRecorder } from '../../../src/ledger/recorder.ts'
import { createMemoryLedger, createMemorySpool } from '../../../src/runtime/memory/index.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// When a refusal happened: when its request came is the caller's choice, when it was recorded is not.

let now: number
let down: boolean
let ledger: ReturnType<typeof withSpool>
let gate: MemoryGate

beforeEach(async () => {
  now = Date.now()
  down = false
  const inner = createMemoryLedger()
  const fragile: Ledger = {
    ...inner,
    append: entries => (down ? Promise.reject(new Error('down')) : inner.append(entries)),
  }
  ledger = withSpool(fragile, createMemorySpool())
  gate = await memoryGate({ ledger, now: () => now })
})

/** Asks about another patient, and holds the body back for so long. */
async function askSlowly(milliseconds: number): Promise<void> {
  const question = {
    subject: { type: 'user', id: 'patient-2' },
    action: { name: 'play' },
    resource: { type: 'recording', id: 'rec-1' },
  }
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        now += milliseconds
        controller.enqueue(new TextEncoder().encode(JSON.stringify(question)))
        controller.close()
      },
    },
    { highWaterMark: 0 },
  )
  const init = {
    method: 'POST',
    body,
    duplex: 'half',
    claims: { exp: Math.floor(now / 1000) + 90_000 },
    headers: { 'content-type': 'application/json' },
  }
  expect((await gate.ask('patient-9', '/access/v1/evaluation', init)).status).toBe(404)
}
async function since(ago: number): Promise<AccessEvent[]> {
  const { entries } = await ledger.read({ limit: 9, since: new Date(now - ago).toISOString() })
  return entries.map(({ json }) => JSON.parse(json) as AccessEvent).filter(({ kind }) => kind === 'access')
}
const idTime = ({ id }: AccessEvent): number => Number.parseInt(id.replace('-', '').slice(0, 12), 16)

test('a caller that holds its body back cannot hide its refusal from a reader of the latest records', async () => {
  const came = now
  await askSlowly(25_000)
  const [event] = await since(20_000)
  expect(event).toMatchObject({
    reason: 'role_missing',
    t: new Date(came).toISOString(),
    recorded: new Date(came + 25_000).toISOString(),
  })
  expect(event && idTime(event)).toBe(came + 25_000)
})

test('a record that waits in the spool keeps the time at which it was decided', async () => {
  down = true
  await askSlowly(0)
  const recorded = now
  down = false
  now += 3_600_000
  await ledger.replay()
  now = recorded
  expect((await since(0)).map(event => event.recorded)).toEqual([new Date(recorded).toISOString()])
})

describe('head of a record', () => {
  const facts = { kind: 'access', decision: 'deny', reason: 'not_owner', status: 404, method: 'GET' } as const
  const observed = {
    at: 0,
    network: callerNetwork(() => ({ ip: '203.0.113.7' })),
    ...{ subject: undefined, ticket: undefined, recording: undefined, part: undefined },
    ...{ ownership: undefined, release: undefined, asked: undefined, token: undefined },
  }

  test('a pseudonym that takes long changes neither the time nor the number of its record', async () => {
    const waiting: (() => void)[] = []
    const inner = createMemoryLedger()
    const slowly = () => new Promise<string>(resolve => waiting.push(() => resolve('psn_1')))
    const record = createRecorder(inner, slowly, () => now)
    const called = now
    const first = record(observed, facts)
    now += 5_000
    const second = record(observed, facts)
    now += 60_000
    // The second one is ready first.
    for (const go of waiting.toReversed()) go()
    const ids = [await first, await second]
    const { entries } = await inner.read({ limit: 9, order: 'newest' })
    const events = entries.map(({ json }) => JSON.parse(json) as AccessEvent)
    expect(events.map(({ id, recorded, gate }) => ({ id, recorded, seq: gate.seq }))).toEqual([
      { id: ids[0], recorded: new Date(called).toISOString(), seq: 1 },
      { id: ids[1], recorded: new Date(called + 5_000).toISOString(), seq: 2 },
    ])
    expect(events.map(idTime)).toEqual([called, called + 5_000])
  })

  test('a record that no store takes is handed out with the time and number of its decision', async () => {
    const lost: string[] = []
    const broken: Ledger = { ...createMemoryLedger(), append: () => Promise.reject(new Error('down')) }
    const record = createRecorder(
      broken,
      async () => 'psn_1',
      () => now,
      json => lost.push(json),
    )
    const called = now
    const recorded = record(observed, facts, 'id-1')
    now += 60_000
    await expect(recorded).rejects.toThrow('down')
    expect(JSON.parse(lost[0] ?? '')).toMatchObject({
      id: 'id-1',
      recorded: new Date(called).toISOString(),
      status: 503,
      gate: { seq: 1 },
    })
  })

  test('a record that no store takes is written to the console of the operator by default', async () => {
    const said = vi.spyOn(console, 'error').mockReturnValue()
    const broken: Ledger = { ...createMemoryLedger(), append: () => Promise.reject(new Error('down')) }
    const record = createRecorder(
      broken,
      async () => 'psn_1',
      () => now,
    )
    await expect(record(observed, facts, 'id-1')).rejects.toThrow('down')
    expect(said.mock.calls.flat()).toEqual([
      expect.stringMatching(/^mediaward: no store takes records: \{.*"id":"id-1"/),
    ])
    said.mockRestore()
  })

  test('onUnrecorded gets also a record that has no canonical form', async () => {
    const lost: string[] = []
    const record = createRecorder(
      createMemoryLedger(),
      async () => 'psn_1',
      () => now,
      json => lost.push(json),
    )
    // What an integrator's function returned for the network.
    const network = callerNetwork(() => ({ asn: Number.NaN }))
    await expect(record({ ...observed, network }, facts, 'id-1')).rejects.toThrow()
    expect(lost.map(json => JSON.parse(json))).toMatchObject([
      { id: 'id-1', reason: 'not_owner', status: 503 },
    ])
  })
})
