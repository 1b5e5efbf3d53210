import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { eventId } from '../../../../src/ledger/event-id.ts'
import { HeldDeliveries } from '../../../../src/runtime/sqlite/held-deliveries.ts'
import { openSqlite } from '../../../../src/runtime/sqlite/sqlite-file.ts'

// What the contract of deliveries can't see: what is kept of sums that have their index.

const DAY = 24 * 3_600_000

test('the id of a sum is known for a week from when it came, and then forgotten', () => {
  const { sql } = openSqlite(join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite'))
  const deliveries = new HeldDeliveries(sql)
  const known = () => sql<{ id: string }>('SELECT id FROM held_id ORDER BY id').map(({ id }) => id)
  const begun = Date.parse('2026-11-27T00:00:00.000Z')
  const sum = (made: number) => ({ id: eventId(made), json: '{"kind":"delivery"}' })
  const [first, late] = [sum(begun), sum(begun + 1)]
  deliveries.hold('a', first, begun)
  // From a spool.
  deliveries.hold('b', late, begun + 6 * DAY)
  deliveries.release(begun + 6.9 * DAY)
  expect(known()).toEqual([first.id, late.id])
  deliveries.hold('c', sum(begun + 8 * DAY), begun + 8 * DAY)
  deliveries.release(begun + 8.5 * DAY)
  expect(known()).not.toContain(first.id)
  expect(known()).toContain(late.id)
})
