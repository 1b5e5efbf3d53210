import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LedgerEntry } from '../../../../src/ledger/ledger.ts'
import { InboxPuller } from '../../../../src/runtime/cloudflare/inbox-puller.ts'

// What a round takes, when the next one begins, and what becomes of inboxes that fail.

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Inboxes in memory, by name, and a log that they are pulled into. */
function logOf(...names: string[]) {
  const waiting = new Map(names.map(name => [name, [] as string[]]))
  const log: string[] = []
  const takes: string[] = []
  const state = { isFull: false, fails: new Set<string>(), hangs: new Set<string>(), batch: 100 }
  const puller = new InboxPuller({
    inbox: name => ({
      async take(receipt) {
        takes.push(name)
        if (state.fails.has(name)) throw new Error('patient-007')
        if (state.hangs.has(name)) return new Promise(() => {})
        const inbox = waiting.get(name) ?? []
        if (receipt !== undefined) inbox.splice(0, Number(receipt))
        const entries = inbox.slice(0, state.batch).map(id => ({ id, json: '{}' }))
        const more = inbox.length > 0
        return entries.length === 0 ? { entries, more } : { entries, receipt: `${entries.length}`, more }
      },
    }),
    store(entries: readonly LedgerEntry[]) {
      if (state.isFull) throw new Error('disk full')
      for (const { id } of entries) if (!log.includes(id)) log.push(id)
    },
    now: Date.now,
  })
  const put = (name: string, ...ids: string[]) => waiting.get(name)?.push(...ids)
  return { puller, put, waiting, log, takes, state }
}

test('a round stores what all inboxes held in the order of the ids, within 250 ms of the first call', async () => {
  const { puller, put, log, waiting } = logOf('x', 'y')
  put('x', '1', '4')
  put('y', '2', '3')
  const pulled = [puller.pull('x'), puller.pull('y')]
  await vi.advanceTimersByTimeAsync(100)
  expect(log).toEqual([])
  await vi.advanceTimersByTimeAsync(100)
  expect(log).toEqual(['1', '2', '3', '4'])
  await vi.advanceTimersByTimeAsync(1_000)
  await Promise.all(pulled)
  expect([...waiting.values()]).toEqual([[], []])
})

test('rounds end when the inboxes are empty, and begin again with the next call', async () => {
  const { puller, put, log, takes } = logOf('x')
  put('x', '1')
  void puller.pull('x')
  await vi.advanceTimersByTimeAsync(10_000)
  expect(takes.length).toBeLessThan(4)
  takes.length = 0
  await vi.advanceTimersByTimeAsync(60_000)
  expect(takes).toEqual([])
  put('x', '2')
  void puller.pull('x')
  await vi.advanceTimersByTimeAsync(200)
  expect(log).toEqual(['1', '2'])
})

test('a call that comes during the last round is not missed', async () => {
  const { puller, put, log } = logOf('x', 'y')
  put('x', '1')
  void puller.pull('x')
  for (let i = 0; i < 40; i++) {
    await vi.advanceTimersByTimeAsync(10)
    if (i % 7 === 0) {
      put('y', `y${String(i).padStart(2, '0')}`)
      void puller.pull('y')
    }
  }
  await vi.advanceTimersByTimeAsync(400)
  expect(log).toHaveLength(7)
})

test('an inbox with a backlog is pulled without a pause', async () => {
  const { puller, put, log, state } = logOf('x')
  state.batch = 10
  put('x', ...Array.from({ length: 500 }, (_, i) => `${i}`))
  void puller.pull('x')
  await vi.advanceTimersByTimeAsync(200)
  expect(log).toHaveLength(500)
})

test('a reader waits for a round that begins after its call, and readers share it', async () => {
  const { puller, put, log, takes } = logOf('x', 'y')
  put('y', '1')
  const first = puller.catchUp(['x', 'y'])
  put('x', '2')
  const others = [puller.catchUp(['x', 'y']), puller.catchUp(['x'])]
  await Promise.all([first, ...others])
  expect(log).toEqual(['1', '2'])
  expect(takes.length).toBeLessThanOrEqual(4)
})

describe('an inbox', () => {
  test.each(['fails', 'hangs'] as const)('that %s holds up no other one, and is pulled later', async how => {
    const { puller, put, log, state } = logOf('x', 'y')
    state[how].add('x')
    put('x', '1')
    put('y', '2')
    void puller.pull('x')
    void puller.pull('y')
    await vi.advanceTimersByTimeAsync(1_500)
    expect(log).toEqual(['2'])
    state[how].clear()
    void puller.pull('x')
    await vi.advanceTimersByTimeAsync(2_500)
    expect(log).toEqual(['2', '1'])
  })

  test('keeps what the log could not store, and its call fails, so that it calls again', async () => {
    const { puller, put, log, state, waiting } = logOf('x')
    state.isFull = true
    put('x', '1')
    const pulled = puller.pull('x').catch((error: Error) => error.message)
    await vi.advanceTimersByTimeAsync(200)
    expect(await pulled).toBe('disk full')
    expect(waiting.get('x')).toEqual(['1'])
    await puller.catchUp(['x'])
    state.isFull = false
    void puller.pull('x')
    await vi.advanceTimersByTimeAsync(1_000)
    expect([log, waiting.get('x')]).toEqual([['1'], []])
  })
})
