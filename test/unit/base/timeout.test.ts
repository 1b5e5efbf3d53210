import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { withTimeout } from '../../../src/base/timeout.ts'
import { COALESCED_SLOTS, untilTimingSlot, workTimeInSlot } from '../../../src/base/timing-slot.ts'

describe('work with a timeout', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('resolves or rejects as the work does, and leaves no timer behind', async () => {
    await expect(withTimeout(100, Promise.resolve(7))).resolves.toBe(7)
    await expect(withTimeout(100, Promise.reject(new Error('broken')))).rejects.toThrow('broken')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('rejects when the time runs out, and not before', async () => {
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

describe('a timing slot', () => {
  test('ends every 25 ms after the request came', () => {
    expect([0, 1, 24, 25, 26, 110].map(elapsed => untilTimingSlot(elapsed))).toEqual([25, 24, 1, 25, 24, 15])
  })

  test('of several takes as long as all of them', () => {
    expect([0, 1, 99, 100].map(elapsed => untilTimingSlot(elapsed, COALESCED_SLOTS))).toEqual([
      100, 99, 1, 100,
    ])
  })

  test('leaves a coalesced refusal time to work, but for its last 25 ms', () => {
    expect([0, 1, 74, 75, 99, 100].map(workTimeInSlot)).toEqual([75, 74, 1, 0, 0, 75])
  })
})
