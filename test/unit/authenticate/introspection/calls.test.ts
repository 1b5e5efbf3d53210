import { expect, test } from 'vitest'
import { Calls } from '../../../../src/authenticate/introspection/calls.ts'

const LIMITS = { underWay: 5, perSecond: 10, forStrangers: 0.8, timeout: 5_500 }
const keep = () => {}
const never = () => new Promise<string>(() => {})

/** Begins a call. Returns whether it was permitted. */
function begin(
  calls: Calls<string>,
  key: string,
  now: number,
  { isKnown = true, work = never }: { isKnown?: boolean; work?: () => Promise<string> } = {},
): boolean {
  return calls.join({ key, isKnown, work }, now, keep) !== undefined
}
const done = async () => 'done'

test('requests with one key share a call, and the next one after its end begins another', async () => {
  const calls = new Calls<string>(LIMITS)
  let begun = 0
  const works: Promise<unknown>[] = []
  const join = () =>
    calls.join({ key: 'a', isKnown: false, work: async () => `call ${++begun}` }, 0, work => works.push(work))
  expect(await Promise.all([join(), join(), join()])).toEqual(['call 1', 'call 1', 'call 1'])
  expect(await join()).toBe('call 2')
  expect(works).toHaveLength(2)
})

test('a call above either limit is refused at once, and one more is permitted when a call ends', async () => {
  const calls = new Calls<string>({ ...LIMITS, perSecond: 100 })
  let end: (value: string) => void = () => {}
  const first = calls.join(
    {
      key: 'first',
      isKnown: true,
      work: () =>
        new Promise(resolve => {
          end = resolve
        }),
    },
    0,
    keep,
  )
  for (const key of ['b', 'c', 'd', 'e']) expect(begin(calls, key, 0)).toBe(true)
  expect(begin(calls, 'f', 0)).toBe(false)
  end('done')
  await first
  expect(begin(calls, 'f', 0)).toBe(true)
  expect(begin(calls, 'g', 0)).toBe(false)
})

test('no second has more calls than permitted', async () => {
  const calls = new Calls<string>(LIMITS)
  let permitted = 0
  for (let now = 0; now < 10_000; now += 10) {
    if (begin(calls, `${now}`, now, { work: done })) permitted++
    await new Promise(resolve => setImmediate(resolve))
  }
  expect(permitted).toBe(100)
})

test('a part of both limits is kept for tokens that were active before', async () => {
  const calls = new Calls<string>({ ...LIMITS, perSecond: 100 })
  const strangers = Array.from({ length: 10 }, (_, i) => begin(calls, `${i}`, 0, { isKnown: false }))
  expect(strangers.filter(Boolean)).toHaveLength(4)
  expect(begin(calls, 'known', 0)).toBe(true)
  expect(begin(calls, 'known too', 0)).toBe(false)

  const quick = new Calls<string>(LIMITS)
  const permitted: boolean[] = []
  for (let i = 0; i < 12; i++) {
    permitted.push(begin(quick, `${i}`, 0, { isKnown: false, work: done }))
    await new Promise(resolve => setImmediate(resolve))
  }
  expect(permitted.filter(Boolean)).toHaveLength(8)
  for (const key of ['known', 'known too']) {
    expect(begin(quick, key, 0, { work: done })).toBe(true)
    await new Promise(resolve => setImmediate(resolve))
  }
  expect(begin(quick, 'one too many', 0, { work: done })).toBe(false)
})

test('calls that were cut off with their request hold no place for longer than a call may take', () => {
  const calls = new Calls<string>({ ...LIMITS, perSecond: 100 })
  for (const key of ['a', 'b', 'c', 'd', 'e']) expect(begin(calls, key, 0)).toBe(true)
  expect(begin(calls, 'f', LIMITS.timeout - 1)).toBe(false)
  expect(begin(calls, 'f', LIMITS.timeout)).toBe(true)
  // Nor does a request wait for one.
  let begun = false
  begin(calls, 'a', LIMITS.timeout, {
    work: () => {
      begun = true
      return never()
    },
  })
  expect(begun).toBe(true)
})

test('a clock that is set back ends no calls', () => {
  const calls = new Calls<string>(LIMITS)
  for (const key of ['a', 'b', 'c', 'd', 'e']) begin(calls, key, 3_600_000)
  expect(begin(calls, 'f', 3_600_000)).toBe(false)
  expect(begin(calls, 'f', 0)).toBe(true)
})
