import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import type { LedgerEntry } from '../../../../src/ledger/ledger.ts'
import { Inbox, type TakenBatch } from '../../../../src/runtime/cloudflare/inbox.ts'
import { openSqlite, type SqliteFile } from '../../../../src/runtime/sqlite/sqlite-file.ts'

const NOW = 1_000
let file: SqliteFile
let inbox: Inbox

beforeEach(() => {
  file = openSqlite(join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'inbox.sqlite'))
  inbox = new Inbox(file)
})

const entry = (id: string, size = 0): LedgerEntry => ({ id, json: `"${'x'.repeat(size)}"` })
const add = (entries: readonly LedgerEntry[], now = NOW) => file.transaction(() => inbox.add(entries, now))
const idsOf = ({ entries }: TakenBatch) => entries.map(({ id }) => id)

test('hands over what came in one call as one row, in order, and unchanged', () => {
  const entries = ['b', 'a', 'c'].map(id => ({ id, json: `{"id":"${id}","e":"ä\\u2028'"}` }))
  add(entries)
  expect(file.sql('SELECT count(*) AS rows FROM waiting')).toEqual([{ rows: 1 }])
  expect(inbox.take(undefined, NOW)).toEqual({ entries, receipt: expect.any(String), more: false })
})

test('keeps what it handed over until the receipt comes, and hands it over again without it', () => {
  add([entry('a')])
  const first = inbox.take(undefined, NOW)
  const second = inbox.take('another', NOW)
  expect([idsOf(first), idsOf(second)]).toEqual([['a'], ['a']])
  // The log has them from the second call; the first receipt is void.
  expect(idsOf(inbox.take(first.receipt, NOW))).toEqual(['a'])
  const { receipt } = inbox.take(undefined, NOW)
  expect(inbox.take(receipt, NOW)).toEqual({ entries: [], more: false })
  expect(inbox.isEmpty).toBe(true)
})

test('a receipt that comes twice, or after a restart, drops nothing that came later', () => {
  add([entry('a')])
  const { receipt } = inbox.take(undefined, NOW)
  inbox.take(receipt, NOW)
  // SQLite gives this row the number of the one that is gone.
  add([entry('b')])
  expect(idsOf(inbox.take(receipt, NOW))).toEqual(['b'])
  const again = new Inbox(file)
  expect(idsOf(again.take(receipt, NOW))).toEqual(['b'])
})

test('leaves what came after the time that it is asked for', () => {
  add([entry('a')], NOW)
  add([entry('b')], NOW + 1)
  const { receipt, ...first } = inbox.take(undefined, NOW)
  expect([idsOf({ ...first }), first.more]).toEqual([['a'], false])
  expect(inbox.take(receipt, NOW)).toEqual({ entries: [], more: false })
  expect(inbox.isEmpty).toBe(false)
  expect(idsOf(inbox.take(undefined, NOW + 1))).toEqual(['b'])
})

test('drops nothing that it did not hand over, also if the clock was set back', () => {
  add([entry('late')], NOW + 1_000)
  add([entry('a')], NOW)
  const first = inbox.take(undefined, NOW)
  expect(idsOf(first)).toEqual(['a'])
  expect(idsOf(inbox.take(first.receipt, NOW))).toEqual([])
  expect(idsOf(inbox.take(undefined, NOW + 1_000))).toEqual(['late'])
})

test('says that more waits if a batch was full, and not for what comes later', () => {
  add(Array.from({ length: 40 }, (_, i) => entry(`id-${i}`, 60_000)))
  add([entry('later')], NOW + 1)
  const mores: boolean[] = []
  for (let receipt: string | undefined, more = true; more; ) {
    const batch = inbox.take(receipt, NOW)
    mores.push(batch.more)
    ;({ receipt, more } = batch)
  }
  expect(mores.length).toBeGreaterThan(2)
})

test('large entries are split over rows and batches, and all of them arrive once', () => {
  const entries = Array.from({ length: 60 }, (_, i) => entry(`id-${i}`, 60_000))
  add(entries)
  const [{ longest } = { longest: 0 }] = file.sql<{ longest: number }>(
    'SELECT max(length(entries)) AS longest FROM waiting',
  )
  // With three bytes for a character, below the 2 MB of a row.
  expect(longest).toBeLessThan(600_000)
  const seen: string[] = []
  let batches = 0
  for (let receipt: string | undefined, more = true; more; batches++) {
    const batch = inbox.take(receipt, NOW)
    expect(JSON.stringify(batch).length).toBeLessThan(1_200_000)
    seen.push(...idsOf(batch))
    ;({ receipt, more } = batch)
  }
  expect(seen).toEqual(entries.map(({ id }) => id))
  expect(batches).toBeGreaterThan(3)
})

test('an entry that is larger than a row should be is kept all the same', () => {
  add([entry('a'), entry('b', 700_000), entry('c')])
  const first = inbox.take(undefined, NOW)
  expect([...idsOf(first), ...idsOf(inbox.take(first.receipt, NOW))]).toEqual(['a', 'b', 'c'])
})
