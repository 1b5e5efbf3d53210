import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventId } from '../../../../src/ledger/event-id.ts'
import { HeldDeliveries } from '../../../../src/runtime/sqlite/held-deliveries.ts'
import { openSqlite } from '../../../../src/runtime/sqlite/sqlite-file.ts'

// What the contract of deliveries can't see: what is kept of sums that have their index.

const DAY = 24 * 3_600_000

test('the id of a sum is known for thirty days from when it was made, and then forgotten', () => {
  const { sql } = openSqlite(join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite'))
  const deliveries = new HeldDeliveries(sql)
  const known = () => sql<{ id: string }>('SELECT id FROM held_id ORDER BY id').map(({ id }) => id)
  const begun = Date.parse('2026-11-27T00:00:00.000Z')
  const sum = (made: number) => ({ id: eventId(made), json: '{"kind":"delivery"}' })
  const [first, second] = [sum(begun), sum(begun + DAY)]
  deliveries.hold('a', first, begun)
  // Late, from a spool.
  deliveries.hold('b', second, begun + 29 * DAY)
  deliveries.release(begun + 29.9 * DAY)
  expect(known()).toEqual([first.id, second.id])
  deliveries.hold('c', sum(begun + 30 * DAY), begun + 30 * DAY)
  deliveries.release(begun + 30.5 * DAY)
  expect(known()).not.toContain(first.id)
  expect(known()).toContain(second.id)
})
