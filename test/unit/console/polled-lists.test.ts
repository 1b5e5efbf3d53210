import { expect, test } from 'vitest'
import { PolledLists } from '../../../src/console/looks/polled-lists.ts'

const LOOK = 'eve reads all'
const pagesOf = (...numbers: readonly number[]) => numbers.map(number => `${number}`.padStart(4, '0'))
/** Shows a page, and returns how many of its records count. */
function show(lists: PolledLists, numbers: readonly number[], beginningOf?: string, look = LOOK): number {
  const shown = { places: pagesOf(...numbers), beginningOf }
  const count = lists.countNew(look, shown)
  lists.note(look, shown)
  return count
}

test('what a list shows again does not count, whatever the order and the length of its pages', () => {
  const lists = new PolledLists(10)
  expect(show(lists, [9, 8, 7], 'newest')).toBe(3)
  expect(show(lists, [9], 'newest')).toBe(0)
  expect(show(lists, [9, 8, 7, 6, 5], 'newest')).toBe(2)
  expect(show(lists, [11, 10, 9], 'newest')).toBe(2)
  expect(show(lists, [11, 10, 9, 8, 7, 6, 5], 'newest')).toBe(0)
  expect(show(lists, [], 'newest')).toBe(0)
})

test('what lies between two pages that do not overlap was not shown', () => {
  const lists = new PolledLists(10)
  expect(show(lists, [1], 'newest')).toBe(1)
  expect(show(lists, [9], 'newest')).toBe(1)
  expect(show(lists, [9, 8, 7, 6, 5, 4, 3, 2, 1], 'newest')).toBe(8)
})

test('a page that begins at a cursor or an index counts each time', () => {
  const lists = new PolledLists(10)
  expect(show(lists, [1, 2])).toBe(2)
  expect(show(lists, [1, 2])).toBe(2)
  // It says nothing of a list that polls.
  expect(show(lists, [1, 2], 'oldest')).toBe(2)
})

test('each look and each list has what it was shown by itself', () => {
  const lists = new PolledLists(2)
  expect(show(lists, [1, 2], 'oldest')).toBe(2)
  expect(show(lists, [1, 2], 'held')).toBe(2)
  expect(show(lists, [1, 2], 'oldest')).toBe(0)
  expect(show(lists, [1, 2], 'oldest', 'mallory reads all')).toBe(2)
  // Forgotten for the others.
  expect(show(lists, [1, 2], 'held')).toBe(2)
})
