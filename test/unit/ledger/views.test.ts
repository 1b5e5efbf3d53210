import type { JWTPayload } from 'jose'
import { expect, test, vi } from 'vitest'
import { type Ledger, type LedgerEntry, StorageFault } from '../../../src/index.ts'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

const kinds = async (gate: MemoryGate) => (await gate.events()).map(({ kind }) => kind)
const bearerForADay = (gate: MemoryGate) =>
  gate.idp.bearer('patient-1', { exp: Math.floor(Date.now() / 1000) + 90_000 })

/** A ledger that takes an entry only when the test lets it. */
function heldLedger(): Ledger & { waiting: LedgerEntry[]; take: () => void; refuse: () => void } {
  const ledger = createMemoryLedger()
  const answers: { resolve: () => void; reject: (error: Error) => void }[] = []
  const waiting: LedgerEntry[] = []
  return {
    ...ledger,
    waiting,
    append: async entries => {
      if (entries.some(({ json }) => json.includes('"heartbeat"'))) return ledger.append(entries)
      waiting.push(...entries)
      await new Promise<void>((resolve, reject) => answers.push({ resolve, reject }))
      return ledger.append(entries)
    },
    take: () => answers.shift()?.resolve(),
    refuse: () => answers.shift()?.reject(new Error('full')),
  }
}

test('no view without a record: the requests of one view wait until its only record is durable', async () => {
  const ledger = heldLedger()
  const gate = await memoryGate({ ledger })
  const headers = await bearerForADay(gate)
  const answered: number[] = []
  const asked = Array.from({ length: 5 }, async (_, i) => {
    const response = await gate.fetch('/recordings/rec-1', {
      headers: { ...headers, range: `bytes=${i}-` },
    })
    answered.push(response.status)
  })
  await expect.poll(() => ledger.waiting.length).toBe(1)
  expect(answered).toEqual([])
  ledger.take()
  await Promise.all(asked)
  expect(answered).toEqual([206, 206, 206, 206, 206])
  expect((await gate.fetch('/recordings/rec-1', { headers })).status).toBe(200)
  expect(await kinds(gate)).toEqual(['view'])
  expect(JSON.parse(ledger.waiting[0]?.json ?? '')).toMatchObject({
    recording: 'rec-1',
    decision: 'permit',
  })
  expect(ledger.waiting[0]?.json).not.toContain('patient-1')
  expect(JSON.parse(ledger.waiting[0]?.json ?? '')).not.toHaveProperty('async')
})

test('no byte leaves if its view cannot be recorded, and the next request tries again', async () => {
  let down = true
  const inner = createMemoryLedger()
  const append: Ledger['append'] = entries =>
    down ? Promise.reject(new Error('down')) : inner.append(entries)
  const gate = await memoryGate({ ledger: { ...inner, append }, onUnrecorded: () => {} })
  const headers = await bearerForADay(gate)
  const refusal = await gate.fetch('/recordings/rec-1', { headers })
  expect(refusal.status).toBe(503)
  expect(refusal.headers.get('etag')).toBeNull()
  expect((await refusal.json()) as object).not.toHaveProperty('detail')
  down = false
  expect((await gate.fetch('/recordings/rec-1', { headers })).status).toBe(200)
  expect(await gate.events('view')).toHaveLength(1)
})

test('another view begins after half an hour without a request', async () => {
  let now = Date.now()
  const gate = await memoryGate({ now: () => now })
  const headers = await bearerForADay(gate)
  const ask = () => gate.fetch('/recordings/rec-1', { headers })
  await ask()
  for (const minutes of [29, 29, 29]) {
    now += minutes * 60_000
    await ask()
  }
  expect(await kinds(gate)).toEqual(['view'])
  now += 30 * 60_000
  await ask()
  expect((await kinds(gate)).filter(kind => kind === 'view')).toHaveLength(2)
})

test('another network, another session, or another token without a session begins another view', async () => {
  // So a thief who has the token or the session watches in a view of their own.
  let ip = '203.0.113.5'
  const gate = await memoryGate({ network: () => ({ ip }) })
  const play = async (claims: JWTPayload, range = 'bytes=0-9') => {
    const response = await gate.ask('patient-1', '/recordings/rec-1', { claims, headers: { range } })
    expect(response.status).toBe(206)
  }
  // Tokens of one session, each good for a minute, and the patient's address changes within the network.
  for (const jti of ['a', 'b', 'c']) await play({ sid: 'session-1', jti })
  ip = '203.0.113.77'
  await play({ sid: 'session-1', jti: 'd' })
  expect(await kinds(gate)).toEqual(['view'])
  ip = '198.51.100.77'
  await play({ sid: 'session-1', jti: 'd' }, 'bytes=0-')
  await play({ sid: 'session-2', jti: 'e' })
  await play({ jti: 'f' })
  await play({ jti: 'f' })
  await play({ jti: 'g' })
  await gate.flush()
  const deliveries = await gate.events('delivery')
  // They are recorded at once, in any order.
  expect(deliveries.map(({ bytes, net }) => `${net?.prefix} ${bytes}`).sort()).toEqual([
    '198.51.100.0/24 10',
    '198.51.100.0/24 10',
    '198.51.100.0/24 20',
    '198.51.100.0/24 3000',
    '203.0.113.0/24 40',
  ])
})

test('a HEAD request, a 304 and a 416 record no view', async () => {
  const gate = await memoryGate()
  const headers = await bearerForADay(gate)
  const statuses = [
    await gate.fetch('/recordings/rec-1', { method: 'HEAD', headers }),
    await gate.fetch('/recordings/rec-1', { headers: { ...headers, 'if-none-match': '*' } }),
    await gate.fetch('/recordings/rec-1', { headers: { ...headers, range: 'bytes=5000-' } }),
  ].map(({ status }) => status)
  expect([statuses, await kinds(gate)]).toEqual([[200, 304, 416], []])
})

test('VIEWS=async answers before the view is recorded, and the record says so', async () => {
  const ledger = heldLedger()
  const gate = await memoryGate({ ledger, views: 'async' })
  const headers = await bearerForADay(gate)
  expect((await gate.fetch('/recordings/rec-1', { headers })).status).toBe(200)
  expect((await gate.fetch('/recordings/rec-1', { headers })).status).toBe(200)
  await expect.poll(() => ledger.waiting.length).toBe(1)
  ledger.take()
  await expect.poll(() => kinds(gate)).toEqual(['view'])
  expect(JSON.parse(ledger.waiting[0]?.json ?? '')).toMatchObject({
    kind: 'view',
    decision: 'permit',
    async: true,
  })
})

test('with VIEWS=async a view that cannot be recorded stops no video, and the operator reads why', async () => {
  const said = vi.spyOn(console, 'error').mockReturnValue()
  const inner = createMemoryLedger()
  let append: Ledger['append'] = () => Promise.reject(new StorageFault('the disk is full'))
  const ledger: Ledger = { ...inner, append: entries => append(entries) }
  const gate = await memoryGate({ ledger, views: 'async', onUnrecorded: () => {} })
  const headers = await bearerForADay(gate)
  expect((await gate.fetch('/recordings/rec-1', { headers })).status).toBe(200)
  await expect.poll(() => said.mock.calls).toEqual([['mediaward: a view is not on record: the disk is full']])
  said.mockRestore()
  // The next request begins the view that isn't on record once more.
  append = entries => inner.append(entries)
  expect((await gate.fetch('/recordings/rec-1', { headers })).status).toBe(200)
  await expect.poll(() => kinds(gate)).toContain('view')
})

test('the ranges that left in a view are recorded together, in one delivery that names the view', async () => {
  const gate = await memoryGate()
  const headers = await bearerForADay(gate)
  for (const range of ['bytes=0-99', 'bytes=100-199', 'bytes=2990-']) {
    await gate.fetch('/recordings/rec-1', { headers: { ...headers, range } })
  }
  expect(await kinds(gate)).toEqual(['view'])
  await gate.flush()
  await gate.flush()
  const view = (await gate.events('view'))[0]?.id
  const ranges = [
    [0, 199],
    [2990, 2999],
  ]
  expect(await gate.events('delivery')).toMatchObject([
    { view, recording: 'rec-1', answers: 3, assumed: 3, cut: 0, bytes: 210, parts: [{ ranges }] },
  ])
})

test('bytes that an ended request left unrecorded are recorded with the next request', async () => {
  let now = Date.now()
  const gate = await memoryGate({ now: () => now })
  await gate.fetch('/recordings/rec-1', { headers: await bearerForADay(gate) })
  now += 60_001
  await gate.fetch('/recordings/rec-1', { headers: await bearerForADay(gate) })
  await expect.poll(() => kinds(gate)).toEqual(['view', 'view', 'delivery'])
})

test('a request whose view is never recorded is answered 503, and the next request tries again', {
  timeout: 20_000,
}, async () => {
  const inner = createMemoryLedger()
  let hangs = true
  const append: Ledger['append'] = entries => (hangs ? new Promise(() => {}) : inner.append(entries))
  const gate = await memoryGate({ ledger: { ...inner, append }, onUnrecorded: () => {} })
  const headers = await bearerForADay(gate)
  const asked = gate.fetch('/recordings/rec-1', { headers })
  // Its refusal hangs with the same ledger; that it can be recorded again comes first.
  setTimeout(() => {
    hangs = false
  }, 1000)
  expect((await asked).status).toBe(503)
  expect((await gate.fetch('/recordings/rec-1', { headers })).status).toBe(200)
})
