import { beforeEach, expect, test } from 'vitest'
import type { Ledger } from '../../../src/index.ts'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

let now: number
let gate: MemoryGate
const start = async (ledger: Ledger = createMemoryLedger()) => {
  now = Date.now()
  gate = await memoryGate({ ledger, now: () => now, onUnrecorded: () => {} })
}
beforeEach(() => start())

const beats = () => gate.events('heartbeat')
const ask = () => gate.fetch('/recordings/rec-1')

test('an isolate records a heartbeat with its first request, then with the first one a minute later', async () => {
  for (const seconds of [0, 30, 29.9]) {
    now += seconds * 1000
    await ask()
  }
  await expect.poll(beats).toHaveLength(1)
  now += 100
  await ask()
  await expect.poll(beats).toHaveLength(2)
})

test('no request means no heartbeat, and a process without traffic ends without one', async () => {
  await gate.flush()
  expect(await beats()).toEqual([])
})

test('the number of a heartbeat is the last one of its isolate', async () => {
  await ask()
  await ask()
  await gate.flush()
  const all = (await gate.ledger.read({ limit: 9 })).entries.map(({ json }) => JSON.parse(json).gate.seq)
  expect(all.toSorted()).toEqual([1, 2, 3, 4])
  expect((await beats()).map(beat => beat.gate.seq)).toEqual([2, 4])
})

test('the end of a process records a last heartbeat, after everything else, once', async () => {
  await ask()
  await gate.flush()
  await gate.flush()
  expect((await beats()).map(({ final }) => final)).toEqual([undefined, true])
})

test('a heartbeat names neither the caller that caused it nor a network', async () => {
  await gate.ask('patient-2', '/recordings/rec-1', { claims: { roles: ['patient'] } })
  await expect.poll(beats).toHaveLength(1)
  const [beat] = await beats()
  expect(Object.keys(beat ?? {}).sort()).toEqual(['gate', 'id', 'kind', 'recorded', 't', 'tenant', 'v'])
  expect(beat?.tenant).toBe('default')
})

test('a clock that is set back does not silence the heartbeats', async () => {
  await ask()
  now -= 3_600_000
  await ask()
  await expect.poll(beats).toHaveLength(2)
})

test('no answer waits for a heartbeat, and one that no store takes harms no answer', async () => {
  const memory = createMemoryLedger()
  const isBeat = (json: string) => json.includes('"heartbeat"')
  await start({
    ...memory,
    append: entries =>
      entries.some(({ json }) => isBeat(json)) ? new Promise(() => {}) : memory.append(entries),
  })
  expect((await ask()).status).toBe(401)
  await start({
    ...memory,
    append: async entries => {
      if (entries.some(({ json }) => isBeat(json))) throw new Error('down')
      return memory.append(entries)
    },
  })
  expect((await ask()).status).toBe(401)
  await gate.flush()
})
