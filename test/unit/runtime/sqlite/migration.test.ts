import { cpSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventId } from '../../../../src/ledger/event-id.ts'
import type { Ledger } from '../../../../src/ledger/ledger.ts'
import { createSqliteLedger, local } from '../../../../src/runtime/local/index.ts'
import { createMemoryLedger } from '../../../../src/runtime/memory/index.ts'
import { openEvents } from '../../../../src/runtime/sqlite/migration.ts'
import type { Sql, SqlStorage } from '../../../../src/runtime/sqlite/sql.ts'
import { openSqlite } from '../../../../src/runtime/sqlite/sqlite-file.ts'
import { LONG } from '../../../support/sample.ts'

// A ledger of version 0.3.0 is moved to the tables of this one. The file was written by 0.3.0 itself.

const OLD = new URL('../../../vectors/data-0.3.0/', import.meta.url)
const expected = JSON.parse(readFileSync(new URL('expected.json', OLD), 'utf8')) as {
  /** In the order of the log. */
  readonly ids: readonly string[]
  /** For each cursor that 0.3.0 gave out, how many records were unread behind it. */
  readonly unread: Readonly<Record<string, number>>
}

let data: string
let file: string
let said: string[]

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'mediaward-'))
  cpSync(OLD, data, { recursive: true })
  file = join(data, 'ledger.sqlite')
  said = []
  vi.spyOn(console, 'error').mockImplementation(line => void said.push(line))
})
afterEach(() => vi.restoreAllMocks())

async function idsAfter(ledger: Ledger, after: string, limit = 10): Promise<string[]> {
  let page = await ledger.read({ limit, after })
  const ids = page.entries.map(({ id }) => id)
  while (page.more) {
    page = await ledger.read({ limit, after: page.cursor })
    ids.push(...page.entries.map(({ id }) => id))
  }
  return ids.sort()
}
const unreadAt = (cursor: string) =>
  expected.ids.slice(expected.ids.length - (expected.unread[cursor] ?? 0)).toSorted()
const entry = () => {
  const id = eventId(Date.now())
  return { id, json: `{"id":"${id}","kind":"access","t":"2026-12-01T00:00:00.000Z"}` }
}

async function expectAllMoved(ledger: Ledger): Promise<void> {
  const { entries, more } = await ledger.read({ limit: 1000 })
  const inOrder = entries.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0))
  expect(inOrder.map(({ index }) => index)).toEqual(expected.ids.map((_, i) => i))
  expect(inOrder.map(({ id }) => id)).toEqual(expected.ids)
  expect(more).toBe(false)
  for (const cursor of Object.keys(expected.unread)) {
    expect([cursor, await idsAfter(ledger, cursor)]).toEqual([cursor, unreadAt(cursor)])
  }
}

test('the records of an earlier version are moved unchanged and in their order, with the one in its overflow', async () => {
  const old = new DatabaseSync(file, { readOnly: true })
  const rows = old.prepare('SELECT id, json FROM event ORDER BY seq').all()
  old.close()
  const { ledger, close } = local({ data })
  await new Promise(resolve => setTimeout(resolve, 50))
  expect(said).toEqual([
    "mediaward: the ledger moves 113 records of an earlier version into tables with an index; readers' cursors stay valid",
  ])
  // One more waited in the overflow.
  const { entries } = await ledger.read({ limit: 1000 })
  expect(entries).toHaveLength(114)
  const moved = entries
    .toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0))
    .map(({ id, json }) => ({ id, json }))
  expect(moved.slice(0, 113)).toEqual(rows.map(row => ({ ...row })))
  close()
})

test('a reader goes on from each old cursor and from a new one, and sees no record twice', async () => {
  const ledger = createSqliteLedger(file)
  await expectAllMoved(ledger)
  const { cursor } = await ledger.read({ limit: 1000 })
  const last = Object.keys(expected.unread).find(one => expected.unread[one] === 0) ?? ''
  const late = entry()
  await ledger.append([late, { id: expected.ids[5] ?? '', json: '{}' }])
  expect(await idsAfter(ledger, cursor)).toEqual([late.id])
  expect(await idsAfter(ledger, last)).toEqual([late.id])
  ledger.close()
  said = []
  const again = createSqliteLedger(file)
  expect(said).toEqual([])
  expect(await idsAfter(again, last)).toEqual([late.id])
  again.close()
})

test('moved records are found by their fields', async () => {
  const ledger = createSqliteLedger(file)
  const idsOf = async (query: object) => (await ledger.read({ limit: 1000, ...query })).entries.length
  expect(await idsOf({ reason: 'not_owner' })).toBe(12)
  expect(await idsOf({ kind: 'view' })).toBe(2)
  expect(await idsOf({ tenant: 'north' })).toBe(45)
  expect(await idsOf({ release: '4.0.0' })).toBe(4)
  ledger.close()
})

/** Moves a ledger that crashes at each of its statements in turn. Returns how often it crashed. */
function moveWithCrashes(storage: SqlStorage, batch: number): number {
  let left = 0
  const sql: Sql = (...statement) => {
    if (--left < 0) throw new Error('crash')
    return storage.sql(...statement)
  }
  for (let crashes = 0; ; crashes++) {
    left = crashes
    try {
      openEvents({ sql, transaction: work => storage.transaction(work) }, batch)
      return crashes
    } catch (error) {
      expect(String(error)).toContain('crash')
    }
  }
}

test('a crash at any statement of the move loses no record, and the next start goes on', async () => {
  const storage = openSqlite(file)
  const crashes = moveWithCrashes(storage, 25)
  expect(crashes).toBeGreaterThan(50)
  storage.close()
  const ledger = createSqliteLedger(file)
  await expectAllMoved(ledger)
  ledger.close()
})

describe('a ledger of 0.6.0, whose times were kept by batches of 64 records', () => {
  const records = Array.from({ length: 700 }, (_, i) => {
    const id = `id-${String(i).padStart(4, '0')}`
    const t = new Date(Date.UTC(2026, 10, 23) + i * 7_000).toISOString()
    return { id, json: JSON.stringify({ id, kind: i % 3 === 0 ? 'access' : 'view', tenant: 'north', t }) }
  })
  const counted = { by: 'minute', since: '2026-11-23T00:00:00Z', until: '2026-11-24T00:00:00Z' } as const

  /** Puts a file back to what 0.6.0 left. */
  async function written(): Promise<void> {
    file = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite')
    const ledger = createSqliteLedger(file)
    await ledger.append(records)
    ledger.close()
    const old = new DatabaseSync(file)
    old.exec(`DROP TABLE event_term; DROP TABLE event_time; DROP TABLE event_count;
      CREATE TABLE event_index (
        field TEXT NOT NULL, value TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (field, value, place)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE event_batch (batch INTEGER PRIMARY KEY, reached INTEGER NOT NULL) STRICT`)
    for (let batch = 0; batch < Math.floor(records.length / 64); batch++) {
      old.prepare('INSERT INTO event_batch (batch, reached) VALUES (?, 0)').run(batch)
    }
    old.close()
  }

  test('counts and finds by time what it had, and each record once after crashes on the way', async () => {
    const fresh = createMemoryLedger()
    await fresh.append(records)
    await written()
    const storage = openSqlite(file)
    const crashes = moveWithCrashes(storage, 128)
    expect(crashes).toBeGreaterThan(30)
    storage.close()
    const ledger = createSqliteLedger(file)
    expect(await ledger.count(counted)).toEqual(await fresh.count(counted))
    const range = { limit: 1000, since: '2026-11-23T00:20:00Z', until: '2026-11-23T00:40:00Z' }
    expect((await ledger.read(range)).entries).toEqual((await fresh.read(range)).entries)
    ledger.close()
  })
})

test('an old ledger without records becomes an empty ledger', async () => {
  const empty = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite')
  const old = new DatabaseSync(empty)
  old.exec(
    'CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL)',
  )
  old.close()
  const ledger = createSqliteLedger(empty)
  const { cursor } = await ledger.read({ limit: 10 })
  const one = entry()
  await ledger.append([one])
  expect(await idsAfter(ledger, cursor)).toEqual([one.id])
  ledger.close()
})

test.runIf(LONG)('a million records are moved within 15 minutes', () => {
  const old = new DatabaseSync(file)
  const [{ json } = { json: '' }] = old
    .prepare("SELECT json FROM event WHERE json LIKE '%not_owner%'")
    .all() as { json: string }[]
  old.exec('BEGIN')
  const insert = old.prepare('INSERT INTO event (id, json) VALUES (?, ?)')
  for (let i = 0; i < 1_000_000; i++)
    insert.run(
      eventId(1_700_000_000_000 + i),
      json.replace(/psn_.{8}/g, () => `psn_${String(i % 20_011).padStart(8, '0')}`),
    )
  old.exec('COMMIT')
  old.close()
  const began = performance.now()
  createSqliteLedger(file).close()
  const took = performance.now() - began
  process.stdout.write(`moving a million records took ${Math.round(took)} ms\n`)
  expect(took).toBeLessThan(900_000)
})
