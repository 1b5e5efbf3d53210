import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { StorageFault } from '../../../src/base/storage-fault.ts'
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

test('a request is kept until it is known if its answer was cut', async () => {
  const { deliveries, recorded } = counting()
  const kept: Promise<unknown>[] = []
  const taken = new Promise<'cut'>(resolve => setTimeout(() => resolve('cut'), 5_000))
  deliveries.sending(observed, { ...answer, taken }, work => kept.push(work))
  expect(kept).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(15_000)
  await Promise.all(kept)
  expect(recorded).toMatchObject([{ kind: 'delivery', answers: 1, bytes: 1000, cut: 1, assumed: 1 }])
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

test('the bytes that left in a view are recorded ten seconds after the first answer, and then counted from zero', async () => {
  const { deliveries, recorded } = counting()
  const kept: Promise<unknown>[] = []
  const send = () => deliveries.sending(observed, { ...answer, taken: undefined }, work => kept.push(work))
  send()
  await vi.advanceTimersByTimeAsync(9_999)
  send()
  expect(recorded).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(recorded).toMatchObject([{ answers: 2, bytes: 2000 }])
  send()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(recorded).toMatchObject([{ answers: 2 }, { answers: 1, bytes: 1000 }])
  // Workers are asked to wait for the records.
  await Promise.all(kept)
  expect(kept).toHaveLength(2)
})

test('a delivery of many parts is recorded before its record is longer than an event may be', async () => {
  const { deliveries, recorded } = counting()
  for (let segment = 0; segment < 1_000; segment += 1) {
    const part = `v/${String(segment).padStart(5, '0')}.m4s`
    deliveries.sending(observed, { ...answer, part, taken: undefined }, () => {})
  }
  await Promise.resolve()
  expect(recorded).not.toEqual([])
  await deliveries.flush()
  for (const facts of recorded) expect(JSON.stringify(facts).length).toBeLessThan(64 * 1024)
  const answers = recorded.map(facts => (facts as { readonly answers: number }).answers)
  expect(answers.reduce((sum, count) => sum + count, 0)).toBe(1_000)
})

test('the operator reads that a delivery is not on record', async () => {
  const said = vi.spyOn(console, 'error').mockReturnValue()
  const deliveries = new Deliveries(() => Promise.reject(new StorageFault('the disk is full')), Date.now)
  deliveries.sending(observed, { ...answer, taken: undefined }, () => {})
  await deliveries.flush()
  expect(said.mock.calls).toEqual([
    ['mediaward: which bytes left in a view is not on record: the disk is full'],
  ])
  said.mockRestore()
})

test('a flush leaves no timer that keeps a process from ending', async () => {
  const { deliveries } = counting()
  deliveries.sending(observed, { ...answer, taken: undefined }, () => {})
  expect(vi.getTimerCount()).toBe(1)
  await deliveries.flush()
  expect(vi.getTimerCount()).toBe(0)
})
