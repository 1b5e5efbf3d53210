import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Deliveries } from '../../../src/ledger/deliveries.ts'
import { observe } from '../../../src/ledger/head.ts'
import { contextOf } from '../../support/context.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

const observed = observe(contextOf())
const answer = { view: 'view-1', part: undefined, offset: 0, length: 1000 } as const

function counting() {
  const recorded: unknown[] = []
  const deliveries = new Deliveries(async (_, facts) => {
    recorded.push(facts)
    return ''
  }, Date.now)
  return { deliveries, recorded }
}

test('the bytes of ten thousand views are counted at once, and one more view has the oldest recorded early', async () => {
  const { deliveries, recorded } = counting()
  const watch = (view: string) =>
    deliveries.sending(observed, { ...answer, view, taken: undefined }, () => {})
  for (let viewer = 0; viewer < 10_000; viewer += 1) watch(`view-${viewer}`)
  await Promise.resolve()
  expect(recorded).toEqual([])
  watch('one more')
  await Promise.resolve()
  expect(recorded).toMatchObject([{ view: 'view-0' }])
})

test('a flush counts the bytes that were taken of an answer that is cut off', async () => {
  const { deliveries, recorded } = counting()
  const taken = new Promise<number>(resolve => setTimeout(() => resolve(300), 50))
  deliveries.sending(observed, { ...answer, taken }, () => {})
  await Promise.all([deliveries.flush(), vi.advanceTimersByTimeAsync(100)])
  expect(recorded).toMatchObject([{ kind: 'delivery', bytes: 300, cut: 1, assumed: 0 }])
})

test('an answer whose outcome is late counts once, with all bytes that were asked for', async () => {
  const { deliveries, recorded } = counting()
  let tell: (bytes: number) => void = () => {}
  const taken = new Promise<number>(resolve => {
    tell = resolve
  })
  deliveries.sending(observed, { ...answer, taken }, () => {})
  await Promise.all([deliveries.flush(), vi.advanceTimersByTimeAsync(2000)])
  tell(300)
  await deliveries.flush()
  expect(recorded).toMatchObject([{ kind: 'delivery', bytes: 1000, assumed: 1 }])
})
