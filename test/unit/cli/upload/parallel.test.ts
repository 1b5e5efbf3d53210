import { expect, test } from 'vitest'
import { inParallel, Slots } from '../../../../src/cli/upload/parallel.ts'

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

test('files of many pieces share the slots', async () => {
  const { seen, work } = counter()
  const slots = new Slots(3)
  await inParallel(numbers(5), 3, () => inParallel(numbers(10), 3, item => slots.run(() => work(item))))
  expect(seen.most).toBe(3)
  expect(seen.done).toHaveLength(50)
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

test('a slot is free again after a failure', async () => {
  const slots = new Slots(1)
  await expect(slots.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no')
  expect(await slots.run(() => Promise.resolve(7))).toBe(7)
})
