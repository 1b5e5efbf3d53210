import { afterEach, expect, test, vi } from 'vitest'
import { memoryGate } from '../support/memory-gate.ts'

// How long the gate waits for a body unless its options say otherwise, from outside.

afterEach(() => void vi.useRealTimers())

test.each([
  ['an upload without a byte for 60 s', 60_000, 'PUT', '/recordings/rec-9', { 'Content-Length': '9' }],
  [
    'a JSON body that is incomplete after 10 s',
    10_000,
    'POST',
    '/access/v1/evaluation',
    { 'Content-Type': 'application/json' },
  ],
])('%s is answered 408 by default', async (_, limit, method, path, headers) => {
  const gate = await memoryGate()
  const init = {
    method,
    claims: { roles: ['recorder'] },
    headers: { ...headers, 'Mediaward-Owner': 'patient-1' },
    body: new ReadableStream({ pull: () => new Promise<void>(() => {}) }),
    duplex: 'half' as const,
  }
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  let status: number | undefined
  const answered = gate.ask('recorder-1', path, init).then(response => {
    status = response.status
  })
  // Signing and verifying the token takes a moment that no timer counts.
  while (vi.getTimerCount() === 0) await new Promise(resolve => setImmediate(resolve))
  await vi.advanceTimersByTimeAsync(limit - 1)
  expect(status).toBeUndefined()
  await vi.advanceTimersByTimeAsync(1)
  await answered
  expect(status).toBe(408)
})
