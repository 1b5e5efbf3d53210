import { describe, expect, test } from 'vitest'
import { MAX_ATTEMPTS, retryDelay } from '../../../../src/cli/upload/session.ts'

const NOW = Date.parse('2026-11-25T22:00:00Z')
const delayAfter = (attempts: number, retryAfter: string | null = null, random = 0) =>
  retryDelay({ attempts, retryAfter, now: NOW, random })

describe('retryDelay', () => {
  test('the delay before a retry doubles with every attempt, and varies by half', () => {
    expect([1, 2, 3, 4].map(attempts => delayAfter(attempts, null, 0))).toEqual([250, 500, 1000, 2000])
    expect([1, 2, 3, 4].map(attempts => delayAfter(attempts, null, 1))).toEqual([500, 1000, 2000, 4000])
  })

  test('no delay is returned after the last attempt', () => {
    expect(delayAfter(MAX_ATTEMPTS - 1, '1')).toBeDefined()
    expect(delayAfter(MAX_ATTEMPTS)).toBeUndefined()
    expect(delayAfter(MAX_ATTEMPTS, '1')).toBeUndefined()
  })

  test.each([
    ['3', 3000],
    ['0', 250],
    ['Wed, 25 Nov 2026 22:00:09 GMT', 9000],
    ['Wed, 25 Nov 2026 21:00:00 GMT', 250],
    ['soon', 250],
    ['-5', 250],
    ['600', 600_000],
    ['601', undefined],
    ['99999999999999999999', 250],
  ])('the delay after Retry-After: %s is %s ms', (retryAfter, expected) => {
    expect(delayAfter(1, retryAfter)).toBe(expected)
  })

  test('the delay before a retry is never shorter than the gate asks, even by chance', () => {
    expect(delayAfter(1, '3', 1)).toBe(3250)
  })
})
