import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createDeliveryRecorder } from '../../../src/ledger/deliveries.ts'
import { observe } from '../../../src/ledger/head.ts'
import type { RequestContext } from '../../../src/request-context.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

const context: RequestContext = {
  ...{ at: 0, now: Date.now, request: new Request('https://gate.test/') },
  network: () => ({}) as ReturnType<RequestContext['network']>,
}
const observed = observe(context)
const answer = { view: 'view-1', part: undefined, offset: 0, length: 1000 } as const

function counting() {
  const recorded: unknown[] = []
  const deliveries = createDeliveryRecorder(async (_, facts) => {
    recorded.push(facts)
    return ''
  }, Date.now)
  return { ...deliveries, recorded }
}

test('the bytes of ten thousand views are counted at once; for one more the oldest is recorded early', async () => {
  const { sending, recorded } = counting()
  const watch = (view: string) => sending(observed, { ...answer, view, taken: undefined }, () => {})
  for (let viewer = 0; viewer < 10_000; viewer += 1) watch(`view-${viewer}`)
  await Promise.resolve()
  expect(recorded).toEqual([])
  watch('one more')
  await Promise.resolve()
  expect(recorded).toMatchObject([{ view: 'view-0' }])
})

test('what was taken of an answer that is cut at the end is counted', async () => {
  const { sending, flush, recorded } = counting()
  const taken = new Promise<number>(resolve => setTimeout(() => resolve(300), 50))
  sending(observed, { ...answer, taken }, () => {})
  await Promise.all([flush(), vi.advanceTimersByTimeAsync(100)])
  expect(recorded).toMatchObject([{ kind: 'delivery', bytes: 300, cut: 1, assumed: 0 }])
})

test('of an answer that nobody hears of again all counts that was asked for, and it counts once', async () => {
  const { sending, flush, recorded } = counting()
  let tell: (bytes: number) => void = () => {}
  const taken = new Promise<number>(resolve => {
    tell = resolve
  })
  sending(observed, { ...answer, taken }, () => {})
  await Promise.all([flush(), vi.advanceTimersByTimeAsync(2000)])
  tell(300)
  await flush()
  expect(recorded).toMatchObject([{ kind: 'delivery', bytes: 1000, assumed: 1 }])
})
