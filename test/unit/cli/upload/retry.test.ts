import { describe, expect, test } from 'vitest'
import { isForLater, pauseBefore, TRIES } from '../../../../src/cli/upload/retry.ts'

const NOW = Date.parse('2026-11-25T22:00:00Z')

describe('the pause before another try', () => {
  test('doubles, and is never the same for all', () => {
    const shortest = [1, 2, 3, 4].map(tries => pauseBefore(tries, null, NOW, 0))
    const longest = [1, 2, 3, 4].map(tries => pauseBefore(tries, null, NOW, 1))
    expect(shortest).toEqual([250, 500, 1000, 2000])
    expect(longest).toEqual([500, 1000, 2000, 4000])
  })

  test('is none after the last', () => {
    expect(pauseBefore(TRIES, null, NOW, 0)).toBeUndefined()
    expect(pauseBefore(TRIES, '1', NOW, 0)).toBeUndefined()
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
  ])('is as long as Retry-After: %s says, within reason', (retryAfter, pause) => {
    expect(pauseBefore(1, retryAfter, NOW, 0)).toBe(pause)
  })
})

test('only answers that say "later" are asked again', () => {
  const later = [200, 400, 401, 404, 408, 409, 413, 429, 500, 501, 502, 503, 504, 505].filter(isForLater)
  expect(later).toEqual([408, 429, 502, 503, 504])
})
