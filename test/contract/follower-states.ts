import { describe, expect, test } from 'vitest'
import type { FollowerStates } from '../../src/follow/states.ts'

// What every adapter of the port FollowerStates must do.

const letter = (index: number, reason = 'status 400') => ({
  index,
  id: `id-${index}`,
  reason,
  time: 1_000 + index,
})

export function followerStatesContract(
  name: string,
  withStates: (work: (states: FollowerStates) => Promise<void>) => Promise<void>,
): void {
  describe(`${name} for followers`, () => {
    test('a follower without a state has none, and one state is not that of another', () =>
      withStates(async states => {
        expect(await states.load('siem')).toBeUndefined()
        await states.save('siem', { index: 7, failures: 0 })
        await states.save('other', { index: 9, failures: 2, retryAt: 5, lastError: { at: 4, message: 'no' } })
        expect(await states.load('siem')).toEqual({ index: 7, failures: 0 })
        expect(await states.load('other')).toEqual({
          index: 9,
          failures: 2,
          retryAt: 5,
          lastError: { at: 4, message: 'no' },
        })
        await states.save('siem', { index: 8, failures: 0 })
        expect(await states.load('siem')).toEqual({ index: 8, failures: 0 })
      }))

    test('dead letters are listed by index, counted, replaced and buried', () =>
      withStates(async states => {
        expect([await states.deadLetters('siem', 10), await states.countDeadLetters('siem')]).toEqual([[], 0])
        await states.save('siem', { index: 20, failures: 0 }, [letter(12), letter(3)])
        await states.save('siem', { index: 21, failures: 0 }, [letter(3, 'status 413'), letter(100)])
        await states.save('other', { index: 1, failures: 0 }, [letter(0)])
        expect(await states.deadLetters('siem', 10)).toEqual([
          letter(3, 'status 413'),
          letter(12),
          letter(100),
        ])
        expect(await states.deadLetters('siem', 1)).toEqual([letter(3, 'status 413')])
        expect(await states.countDeadLetters('siem')).toBe(3)
        await states.bury('siem', [3, 99, 100])
        expect(await states.deadLetters('siem', 10)).toEqual([letter(12)])
        expect(await states.countDeadLetters('other')).toBe(1)
      }))
  })
}
