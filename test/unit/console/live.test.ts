import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LiveStreams } from '../../../src/console/live.ts'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// Records as server-sent events: resumed without a gap, no faster than the client, and no longer than its token.

const claims = { roles: ['security'] }
let gate: MemoryGate
const open: AbortController[] = []

beforeEach(async () => {
  gate = await memoryGate()
})
afterEach(() => {
  for (const controller of open.splice(0)) controller.abort()
})

interface Event {
  readonly id: string
  readonly data: { readonly id: string; readonly reason?: string; readonly kind: string }
}

/** Reads the events of a stream as they come. */
class Client {
  readonly events: Event[] = []
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  #rest = ''
  isOver = false
  /** The last id, as a browser keeps it: also that of a block without data. */
  lastId = ''

  constructor(response: Response) {
    if (response.body === null) throw new Error('no body')
    this.#reader = response.body.getReader()
  }

  async readUntil(isDone: (events: readonly Event[]) => boolean): Promise<void> {
    while (!isDone(this.events) && !this.isOver) {
      const { done, value } = await this.#reader.read()
      this.isOver = done
      this.#rest += new TextDecoder().decode(value)
      const blocks = this.#rest.split('\n\n')
      this.#rest = blocks.pop() ?? ''
      for (const block of blocks) {
        this.lastId = /^id: (.+)$/m.exec(block)?.[1] ?? this.lastId
        const [, id, data] = /^id: (.+)\ndata: (.+)$/.exec(block) ?? []
        if (id !== undefined && data !== undefined) this.events.push({ id, data: JSON.parse(data) })
      }
    }
  }

  close = () => this.#reader.cancel()
}

async function follow(query = '', headers: Record<string, string> = {}): Promise<Client> {
  const response = await gate.ask('analyst-1', `/console/api/records${query}`, {
    claims,
    headers: { Accept: 'text/event-stream', ...headers },
  })
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  expect(response.headers.get('cache-control')).toBe('private, no-store')
  return new Client(response)
}
const refuse = (reason: string) =>
  gate.ask('patient-2', reason === 'not_owner' ? '/recordings/rec-1' : '/recordings/rec-none')

test('a stream begins at the end of the log, and sends what is recorded from then on, in order', async () => {
  await refuse('not_owner')
  const client = await follow('?kind=access')
  await refuse('recording_unknown')
  await refuse('not_owner')
  await client.readUntil(events => events.length === 2)
  expect(client.events.map(({ data }) => data.reason)).toEqual(['recording_unknown', 'not_owner'])
  await client.close()
})

test('a client that comes again goes on after the last event that it has, without a gap', async () => {
  for (let i = 0; i < 5; i++) await refuse('not_owner')
  const client = await follow('?kind=access&from=0')
  await client.readUntil(events => events.length >= 5)
  await client.close()
  const [, , third] = client.events
  for (let i = 0; i < 3; i++) await refuse('recording_unknown')
  const again = await follow('?kind=access&from=0', { 'Last-Event-ID': third?.id ?? '' })
  await again.readUntil(events => events.length === 5)
  const stored = (await gate.events('access')).map(({ id }) => id)
  expect([...client.events.slice(0, 3), ...again.events].map(({ data }) => data.id)).toEqual(stored)
  await again.close()
})

test('a client that is cut off before its first event misses none of those that are recorded meanwhile', async () => {
  await refuse('not_owner')
  const client = await follow('?reason=recording_unknown')
  const read = client.readUntil(() => false)
  await expect.poll(() => client.lastId).toMatch(/^\d+$/)
  gate.endStreams()
  await read
  await refuse('recording_unknown')
  const later = await memoryGate({ ledger: gate.ledger }, gate.idp)
  gate = later
  const again = await follow('?reason=recording_unknown', { 'Last-Event-ID': client.lastId })
  await again.readUntil(events => events.length === 1)
  expect(again.events).toMatchObject([{ data: { reason: 'recording_unknown' } }])
  await again.close()
})

test('a gate that stops ends each stream at once, also one whose client reads nothing, and one that comes late', async () => {
  const clients = [await follow(), await follow('?from=0')]
  const waiting = clients[0]?.readUntil(() => false)
  await new Promise(resolve => setTimeout(resolve, 300))
  const began = performance.now()
  gate.endStreams()
  await waiting
  await clients[1]?.readUntil(() => false)
  await (await follow()).readUntil(() => false)
  expect(performance.now() - began).toBeLessThan(1_000)
})

test('each stream is a record of its own', async () => {
  for (let i = 0; i < 2; i++) await (await follow('?reason=not_owner')).close()
  expect((await gate.events('console')).map(({ action, query, rows }) => ({ action, query, rows }))).toEqual([
    { action: 'follow', query: { reason: 'not_owner' }, rows: undefined },
    { action: 'follow', query: { reason: 'not_owner' }, rows: undefined },
  ])
})

test('a stream sends an analyst of one tenant the records of that tenant alone, without owners of others', async () => {
  const record = (index: number, members: object) => {
    const id = `id-${index}`
    return { id, json: JSON.stringify({ id, kind: 'access', tenant: 'south', ...members }) }
  }
  const ledger = createMemoryLedger()
  const show = vi.fn(({ json }: { json: string }) => (json.includes('"north"') ? json : undefined))
  const response = new LiveStreams().open({
    ledger,
    query: { limit: 1, from: 0 },
    show,
    count: async () => {},
    isAllowed: async () => true,
    now: Date.now,
  })
  const client = new Client(response)
  await ledger.append([record(0, {}), record(1, { recording_tenant: 'north' }), record(2, {})])
  await client.readUntil(events => events.length === 1)
  expect(client.events).toMatchObject([{ id: '1', data: { id: 'id-1' } }])
  await client.close()
})

test('a stream reads no further than its client, which is slow', async () => {
  const ledger = createMemoryLedger()
  const entries = Array.from({ length: 1000 }, (_, i) => ({ id: `id-${i}`, json: `{"id":"id-${i}"}` }))
  await ledger.append(entries)
  const read = vi.spyOn(ledger, 'read')
  const response = new LiveStreams().open({
    ledger,
    query: { limit: 1, from: 0 },
    show: ({ json }) => json,
    count: async () => {},
    isAllowed: async () => true,
    now: Date.now,
  })
  await new Promise(resolve => setTimeout(resolve, 700))
  expect(read.mock.calls.length).toBeLessThanOrEqual(1)
  const client = new Client(response)
  await client.readUntil(events => events.length === 1000)
  expect(client.events.map(({ id }) => Number(id))).toEqual(entries.map((_, i) => i))
  await client.close()
})

test('a stream ends before Workers would break it off, which allow a request 10,000 calls', async () => {
  const ledger = createMemoryLedger()
  let calls = 0
  const counted = {
    ...ledger,
    read: async () => {
      calls += 1
      return { entries: [{ id: 'a', json: '{}', index: calls }], cursor: '1', end: '1', more: true }
    },
  }
  const stream = { ledger: counted, query: { limit: 1, from: 0 }, now: Date.now }
  const client = new Client(
    new LiveStreams().open({
      ...stream,
      show: ({ json }) => json,
      count: async () => {},
      isAllowed: async () => true,
    }),
  )
  await client.readUntil(() => false)
  expect(client.events).toHaveLength(calls)
  // Each read may be followed by a wait, which is a call too.
  expect(2 * calls).toBeLessThan(10_000)
})

test('a stream ends when the token of its client does', async () => {
  vi.useFakeTimers()
  let isGood = true
  const ledger = createMemoryLedger()
  const response = new LiveStreams().open({
    ledger,
    query: { limit: 1, from: 0 },
    show: ({ json }) => json,
    count: async () => {},
    isAllowed: async () => isGood,
    now: Date.now,
  })
  const client = new Client(response)
  const read = client.readUntil(() => false)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(client.isOver).toBe(false)
  isGood = false
  await ledger.append([{ id: 'secret', json: '{"id":"secret"}' }])
  await vi.advanceTimersByTimeAsync(20_000)
  await read
  expect(client.isOver).toBe(true)
  vi.useRealTimers()
})

test('the gate itself ends a stream within seconds after the token expired, with its tolerance', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    gate = await memoryGate({ now: () => Date.now() })
    const response = await gate.ask('analyst-1', '/console/api/records', {
      claims: { ...claims, exp: Math.floor(Date.now() / 1000) + 60 },
      headers: { Accept: 'text/event-stream' },
    })
    const client = new Client(response)
    vi.setSystemTime(Date.now() + 200_000)
    await refuse('not_owner')
    await client.readUntil(() => false)
    expect([client.isOver, client.events]).toEqual([true, []])
  } finally {
    vi.useRealTimers()
  }
})

test.each([
  ['?limit=5', {}, 'unknown: limit'],
  ['?order=newest', {}, 'unknown: order'],
  ['?until=2026-01-01T00:00:00Z', {}, 'unknown: until'],
  ['', { 'Last-Event-ID': 'x' }, 'Last-Event-ID must be the id of an event of this log'],
  ['?after=x', {}, 'after is not a cursor of this log'],
])('a stream of %s %o is refused', async (query, headers, detail) => {
  const response = await gate.ask('analyst-1', `/console/api/records${query}`, {
    claims,
    headers: { Accept: 'text/event-stream', ...headers },
  })
  expect(response.status).toBe(400)
  expect(((await response.json()) as { detail: string }).detail).toContain(detail)
})

test('a stream is for the role security alone', async () => {
  const response = await gate.ask('patient-2', '/console/api/records', {
    headers: { Accept: 'text/event-stream' },
  })
  expect(response.status).toBe(404)
})
