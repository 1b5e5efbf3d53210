import { expect, test } from 'vitest'
import { eventId } from '../../../src/ledger/event-id.ts'

test('an event id is a UUIDv7 of its moment', () => {
  const now = Date.UTC(2026, 10, 23, 3, 4, 5, 678)
  const id = eventId(now)
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(now)
})

test('later event ids sort later, and no two are the same', () => {
  const ids = Array.from({ length: 1000 }, (_, i) => eventId(1_700_000_000_000 + i))
  expect([...ids].sort()).toEqual(ids)
  expect(new Set(Array.from({ length: 1000 }, () => eventId(0))).size).toBe(1000)
})

test('event ids of one millisecond sort in the order in which they were created', () => {
  const ids = Array.from({ length: 2000 }, () => eventId(1_700_000_000_000))
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(ids).size).toBe(2000)
  // More than there are numbers for are still ids of their own, and of that millisecond.
  const more = Array.from({ length: 5000 }, () => eventId(1_700_000_000_000))
  expect(new Set([...ids, ...more]).size).toBe(7000)
  expect(more.every(id => id.slice(0, 15) >= (ids.at(-1)?.slice(0, 15) ?? ''))).toBe(true)
})
