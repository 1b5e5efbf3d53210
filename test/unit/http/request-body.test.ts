import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { RequestBody } from '../../../src/http/request-body.ts'
import { memoryGate } from '../../support/memory-gate.ts'

// How long a body may take. What clients see of it on each runtime is in test/streams/deadlines.test.ts.

const SOON = 500

/** A body whose chunks come after so many milliseconds each, and that then ends, or stays silent. */
function coming(pauses: readonly number[], then: 'ends' | 'silent', type?: 'bytes') {
  let left = [...pauses]
  let cancelled = false
  const source = {
    async pull(controller: ReadableByteStreamController | ReadableStreamDefaultController<Uint8Array>) {
      const [pause, ...rest] = left
      left = rest
      if (pause !== undefined) {
        await sleep(pause)
        if (!cancelled) controller.enqueue(new Uint8Array([7]))
        return
      }
      if (then === 'silent') return new Promise<void>(() => {})
      controller.close()
      if ('byobRequest' in controller) controller.byobRequest?.respond(0)
    },
    cancel() {
      cancelled = true
    },
  }
  const lazily = { highWaterMark: 0 }
  const stream: ReadableStream<Uint8Array> =
    type === undefined ? new ReadableStream(source, lazily) : new ReadableStream({ ...source, type }, lazily)
  return { stream, isCancelled: () => cancelled }
}

async function sizeOf(body: RequestBody, pause = 0): Promise<number> {
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (pause > 0) await sleep(pause)
  }
  return size
}

describe.each([undefined, 'bytes'] as const)('a body that is a stream of type %s', type => {
  test('is late if it never comes, or stops, and is cancelled', async () => {
    for (const pauses of [[], [0, 0]]) {
      for (const make of [RequestBody.flowing, RequestBody.within]) {
        const { stream, isCancelled } = coming(pauses, 'silent', type)
        const body = make(SOON, stream)
        await expect(sizeOf(body)).rejects.toThrow('took too long')
        expect([body.isLate, isCancelled()]).toEqual([true, true])
      }
    }
  })

  test('may take longer in all than between two chunks, unless it must come as a whole', async () => {
    const pauses = Array.from({ length: 8 }, () => SOON / 4)
    const flowing = RequestBody.flowing(SOON, coming(pauses, 'ends', type).stream)
    expect(await sizeOf(flowing)).toBe(8)
    expect(flowing.isLate).toBe(false)
    const whole = RequestBody.within(SOON, coming(pauses, 'ends', type).stream)
    await expect(sizeOf(whole)).rejects.toThrow('took too long')
    expect(whole.isLate).toBe(true)
  })

  test('is not late if its reader takes long', async () => {
    const body = RequestBody.flowing(SOON, coming([0, 0], 'ends', type).stream)
    expect(await sizeOf(body, 2 * SOON)).toBe(2)
    expect(body.isLate).toBe(false)
  })

  test('is cancelled when its reader leaves', async () => {
    const { stream, isCancelled } = coming([0, 0], 'silent', type)
    for await (const _ of RequestBody.flowing(SOON, stream)) break
    expect(isCancelled()).toBe(true)
  })
})

test('chunks of one byte keep one byte each, though each was read into a whole array', async () => {
  const size = 500
  const body = RequestBody.flowing(SOON, coming(Array(size).fill(0), 'ends', 'bytes').stream)
  const chunks: Uint8Array[] = []
  for await (const chunk of body) chunks.push(chunk)
  expect(chunks.reduce((sum, { length }) => sum + length, 0)).toBe(size)
  const kept = [...new Set(chunks.map(({ buffer }) => buffer))]
  expect(kept.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThanOrEqual(2 * size)
})

test('no body has no bytes', async () => {
  expect(await sizeOf(RequestBody.flowing(SOON, null))).toBe(0)
})

describe('unless an app says otherwise', () => {
  afterEach(() => void vi.useRealTimers())

  test.each([
    ['an upload has 60 s without a byte', 60_000, 'PUT', '/recordings/rec-9', { 'Content-Length': '9' }],
    ['JSON has 10 s', 10_000, 'POST', '/access/v1/evaluation', { 'Content-Type': 'application/json' }],
  ])('%s', async (_, limit, method, path, headers) => {
    const gate = await memoryGate()
    const token = await gate.idp.token('recorder-1', { roles: ['recorder'] })
    const asked = () => ({
      method,
      headers: { ...headers, Authorization: `Bearer ${token}`, 'Mediaward-Owner': 'patient-1' },
      body: coming([], 'silent').stream,
      duplex: 'half' as const,
    })
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    let status: number | undefined
    const ask = gate.fetch
    const answered = ask(path, asked()).then(response => {
      status = response.status
    })
    // Verifying the token takes a moment that no timer counts.
    while (vi.getTimerCount() === 0) await new Promise(resolve => setImmediate(resolve))
    await vi.advanceTimersByTimeAsync(limit - 1)
    expect(status).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    await answered
    expect(status).toBe(408)
  })
})
