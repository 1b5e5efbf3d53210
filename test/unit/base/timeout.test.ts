import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { withTimeout } from '../../../src/base/timeout.ts'
import { COALESCED_SLOTS, untilTimingSlot, workTimeInSlot } from '../../../src/base/timing-slot.ts'

describe('withTimeout', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('work with a timeout resolves or rejects as the work itself does, and leaves no timer behind', async () => {
    await expect(withTimeout(100, Promise.resolve(7))).resolves.toBe(7)
    await expect(withTimeout(100, Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('work with a timeout rejects when the time runs out, and not before', async () => {
    let outcome = 'pending'
    withTimeout(100, new Promise(() => {})).catch((error: Error) => {
      outcome = error.message
    })
    await vi.advanceTimersByTimeAsync(99)
    expect(outcome).toBe('pending')
    await vi.advanceTimersByTimeAsync(1)
    expect(outcome).toBe('took over 100 ms')
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('timing slots', () => {
  test('a timing slot ends every 25 ms after the request came', () => {
    expect([0, 1, 24, 25, 26, 110].map(elapsed => untilTimingSlot(elapsed))).toEqual([25, 24, 1, 25, 24, 15])
  })

  test('the timing slots of a coalesced refusal end together, every 100 ms', () => {
    expect([0, 1, 99, 100].map(elapsed => untilTimingSlot(elapsed, COALESCED_SLOTS))).toEqual([
      100, 99, 1, 100,
    ])
  })

  test('a coalesced refusal may work in its timing slots, except in the last 25 ms', () => {
    expect([0, 1, 74, 75, 99, 100].map(workTimeInSlot)).toEqual([75, 74, 1, 0, 0, 75])
  })
})
