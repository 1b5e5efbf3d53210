import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { EventLog } from '../../src/runtime/sqlite/event-log.ts'
import { EventTable } from '../../src/runtime/sqlite/event-table.ts'
import { openSqlite } from '../../src/runtime/sqlite/sqlite-file.ts'
import { WatchTables } from '../../src/runtime/sqlite/watch/watch-tables.ts'
import type { Watching } from '../../src/watch/watching.ts'
import { FAKE_RULES } from '../support/fake-rules.ts'
import { recordErrors } from '../support/record-schema.ts'
import { refusal } from '../support/refusal.ts'
import { watchedSqlite } from '../support/watched-sqlite.ts'
import { watchContract } from './watch.ts'

watchContract(
  'SQLite',
  async () => watchedSqlite(join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite')),
  recordErrors,
)

test('a transaction that fails leaves nothing of what was found in it', async () => {
  const file = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite')
  const { ledger, findings } = watchedSqlite(file)
  const net = { prefix: '203.0.113.0/24' }
  const entries = [
    refusal('not_owner', { subject: 'psn_1' }),
    refusal('token_signature', { net }),
    refusal('token_signature', { net }),
  ]
  const bad = { id: null as unknown as string, json: '{}' }
  for (let i = 0; i < 3; i++) {
    // Both are written in one transaction.
    const both = await Promise.allSettled([ledger.append(entries), ledger.append([bad])])
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  }
  expect((await findings.list({ limit: 10 })).findings).toEqual([])
  await ledger.append(entries)
  // Two bad signatures are none too many, however often they came.
  expect((await findings.list({ limit: 10 })).findings).toMatchObject([{ rule: 'RG-001', count: 1 }])
  const { entries: records } = await ledger.read({ limit: 10, kind: 'finding' })
  expect(records.map(({ json }) => JSON.parse(json).gate.seq)).toEqual([1])
})

test('with nothing found an append writes no further row', async () => {
  const rows = (watching?: Watching) => {
    const { sql, transaction, close } = openSqlite(
      join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite'),
    )
    const log = new EventLog(sql, new EventTable(sql), watching)
    const changes = () => sql<{ count: number }>('SELECT total_changes() AS count')[0]?.count ?? 0
    const before = changes()
    for (let i = 0; i < 200; i++) {
      transaction(() => log.append([refusal('token_missing', {}, Date.now())], Date.now()))
    }
    const written = changes() - before
    close()
    return written
  }
  expect(rows(FAKE_RULES)).toBe(rows())
})

test('windows that have expired are removed, a few with each that is stored', () => {
  const { sql, transaction, close } = openSqlite(
    join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite'),
  )
  const tables = new WatchTables(sql)
  const window = (i: number, expires: number) => ({ key: `RG-016 ${i}`, members: [], expires })
  const all = Array.from({ length: 250 }, (_, i) => window(i, i < 240 ? 1_000 : 9_000))
  transaction(() => tables.storeWindows(all, 0))
  const left = () => tables.windows(all.map(({ key }) => key)).size
  transaction(() => tables.storeWindows([window(0, 9_000)], 5_000))
  expect(left()).toBeGreaterThan(240)
  for (let i = 0; i < 100; i++) transaction(() => tables.storeWindows([window(0, 9_000)], 5_000))
  expect(left()).toBe(11)
  close()
})
