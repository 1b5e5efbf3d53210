import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { RequestBody } from '../../../src/http/request-body.ts'

// How long a body may take. What clients see of it on each runtime is in test/streams/deadlines.test.ts.

const LIMIT = 1000

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const passes = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)
const pauseOf = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds))

/** A body whose chunks of one byte come after so many milliseconds each, and that then ends, or stays silent. */
function coming(pauses: readonly number[], then: 'ends' | 'silent', type?: 'bytes') {
  let left = [...pauses]
  let cancelled = false
  const source = {
    async pull(controller: ReadableByteStreamController | ReadableStreamDefaultController<Uint8Array>) {
      const [pause, ...rest] = left
      left = rest
      if (pause !== undefined) {
        await pauseOf(pause)
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

/** Starts to read a body. Its state is looked at from outside, so that a body that never ends fails a test at once. */
function reading(body: RequestBody, pause = 0) {
  const state = { size: 0, outcome: 'pending' }
  const read = async () => {
    for await (const chunk of body) {
      state.size += chunk.length
      if (pause > 0) await pauseOf(pause)
    }
  }
  read().then(
    () => {
      state.outcome = 'complete'
    },
    (error: unknown) => {
      state.outcome = String(error)
    },
  )
  return state
}

const LATE = 'Error: the body took too long'

describe.each([undefined, 'bytes'] as const)('streams of type %s', type => {
  test.each(['flowing', 'within'] as const)(
    'a body that never comes is late and cancelled (%s)',
    async kind => {
      const { stream, isCancelled } = coming([], 'silent', type)
      const body = RequestBody[kind](LIMIT, stream)
      const state = reading(body)
      await passes(LIMIT - 1)
      expect([state.outcome, body.isLate, isCancelled()]).toEqual(['pending', false, false])
      await passes(1)
      expect([state.outcome, body.isLate, isCancelled()]).toEqual([LATE, true, true])
    },
  )

  test.each([
    ['one limit after its last chunk, if it may take any time in all', 'flowing', 600 + LIMIT],
    ['one limit after its first read, if it must come as a whole', 'within', LIMIT],
  ] as const)('a body that stops is late %s', async (_, kind, end) => {
    const { stream, isCancelled } = coming([300, 300], 'silent', type)
    const body = RequestBody[kind](LIMIT, stream)
    const state = reading(body)
    await passes(end - 1)
    expect([state.size, state.outcome, isCancelled()]).toEqual([2, 'pending', false])
    await passes(1)
    expect([state.outcome, body.isLate, isCancelled()]).toEqual([LATE, true, true])
  })

  test('a body may take longer than the limit in all, unless it must come as a whole', async () => {
    const pauses = Array.from({ length: 8 }, () => LIMIT / 4)
    const flowing = RequestBody.flowing(LIMIT, coming(pauses, 'ends', type).stream)
    const whole = RequestBody.within(LIMIT, coming(pauses, 'ends', type).stream)
    const states = [reading(flowing), reading(whole)]
    await passes(2 * LIMIT)
    expect(states.map(({ outcome }) => outcome)).toEqual(['complete', LATE])
    expect(states[0]?.size).toBe(8)
    expect([flowing.isLate, whole.isLate]).toEqual([false, true])
  })

  test('a body is not late if its reader takes long', async () => {
    const body = RequestBody.flowing(LIMIT, coming([10, 10], 'ends', type).stream)
    const state = reading(body, 2 * LIMIT)
    await passes(20 + 4 * LIMIT)
    expect([state.size, state.outcome, body.isLate]).toEqual([2, 'complete', false])
  })

  test('a body is late if its next chunk is late, however long its reader took', async () => {
    const body = RequestBody.flowing(LIMIT, coming([10], 'silent', type).stream)
    const state = reading(body, 2 * LIMIT)
    await passes(10 + 3 * LIMIT - 1)
    expect(state.outcome).toBe('pending')
    await passes(1)
    expect(state.outcome).toBe(LATE)
  })

  test('a body is cancelled when its reader leaves', async () => {
    const { stream, isCancelled } = coming([10, 10], 'silent', type)
    const left = (async () => {
      for await (const _ of RequestBody.flowing(LIMIT, stream)) break
    })()
    await passes(10)
    await left
    expect(isCancelled()).toBe(true)
  })

  test.each(['flowing', 'within'] as const)('a body leaves no timer behind when it ends (%s)', async kind => {
    const state = reading(RequestBody[kind](LIMIT, coming([10], 'ends', type).stream))
    await passes(10)
    expect([state.size, state.outcome]).toEqual([1, 'complete'])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('byte streams', () => {
  const size = 64 * 1024

  /** Reads one chunk of so many bytes, each of which is 7. */
  async function chunkOf(length: number) {
    const asked: (number | undefined)[] = []
    const stream = new ReadableStream({
      type: 'bytes',
      pull({ byobRequest }) {
        const view = byobRequest?.view
        asked.push(view?.byteLength)
        if (view) new Uint8Array(view.buffer, view.byteOffset, length).fill(7)
        byobRequest?.respond(length)
      },
    })
    for await (const chunk of RequestBody.flowing(LIMIT, stream)) return { chunk, asked }
    return undefined
  }

  test('a byte stream is asked for 64 KiB at a time, and all that arrived is one chunk', async () => {
    const read = await chunkOf(size)
    expect(read?.asked[0]).toBe(size)
    expect(read?.chunk.length).toBe(size)
    expect(read?.chunk.every(byte => byte === 7)).toBe(true)
  })

  test.each([
    [1, 1],
    [size / 2 - 1, size / 2 - 1],
    [size / 2, size],
    [size, size],
  ])('a chunk of %i bytes keeps a buffer of %i bytes', async (length, kept) => {
    const read = await chunkOf(length)
    expect(read?.chunk.length).toBe(length)
    expect(read?.chunk.buffer.byteLength).toBe(kept)
    expect(read?.chunk.every(byte => byte === 7)).toBe(true)
  })
})

test.each(['flowing', 'within'] as const)('a missing body is complete and has no bytes (%s)', async kind => {
  const state = reading(RequestBody[kind](LIMIT, null))
  await passes(0)
  expect(state).toEqual({ size: 0, outcome: 'complete' })
})
