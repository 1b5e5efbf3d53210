import { expect, test, vi } from 'vitest'
import { Alarm } from '../../../../src/runtime/cloudflare/alarm.ts'
import type { DurableState } from '../../../../src/runtime/cloudflare/bindings.ts'

const setAlarm = vi.fn(async (_time: number) => {})
const create = () => {
  setAlarm.mockClear()
  return new Alarm({ storage: { setAlarm } } as unknown as DurableState)
}

test('an earlier time takes the place of a later one, and no later one that of an earlier', () => {
  const alarm = create()
  for (const time of [3_000, 2_000, 2_000, 4_000, Number.POSITIVE_INFINITY]) alarm.set(time)
  expect(setAlarm.mock.calls).toEqual([[3_000], [2_000]])
})

test('sets any time after it went off', () => {
  const alarm = create()
  alarm.set(2_000)
  alarm.wentOff()
  alarm.set(4_000)
  expect(setAlarm.mock.calls).toEqual([[2_000], [4_000]])
})
