import { expect, test } from 'vitest'
import { inParallel } from '../../../../src/cli/upload/parallel.ts'

const soon = () => new Promise(resolve => setTimeout(resolve, 1))

/** Counts how many are at work at once. */
function counter() {
  const seen = { now: 0, most: 0, done: [] as number[] }
  const work = async (item: number) => {
    seen.now += 1
    seen.most = Math.max(seen.most, seen.now)
    await soon()
    seen.now -= 1
    seen.done.push(item)
  }
  return { seen, work }
}
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

test('so many at once, each once', async () => {
  const { seen, work } = counter()
  await inParallel(numbers(50), 4, work)
  expect(seen.most).toBe(4)
  expect(seen.done.sort((a, b) => a - b)).toEqual(numbers(50))
})

test('after a failure none is begun, those that were are awaited, and the first failure is thrown', async () => {
  const { seen, work } = counter()
  const working = inParallel(numbers(50), 4, async item => {
    if (item === 5) throw new Error('the first')
    await work(item)
    if (item === 6) throw new Error('a later one')
  })
  await expect(working).rejects.toThrow('the first')
  expect(seen.now).toBe(0)
  expect(seen.done.length).toBeLessThan(10)
})
