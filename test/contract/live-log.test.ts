import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createPostgresLiveLog } from '../../src/runtime/postgres/archive/live-log.ts'
import { PostgresManifest } from '../../src/runtime/postgres/archive/manifest.ts'
import { EventReader } from '../../src/runtime/postgres/event-reader.ts'
import { InboxWriter } from '../../src/runtime/postgres/inbox-writer.ts'
import { EventTable } from '../../src/runtime/sqlite/event-table.ts'
import { createLiveLog } from '../../src/runtime/sqlite/live-table.ts'
import { SegmentTable } from '../../src/runtime/sqlite/segment-table.ts'
import { openSqlite } from '../../src/runtime/sqlite/sqlite-file.ts'
import { createDatabase, openSession, usePostgres } from '../support/postgres-test.ts'
import { liveLogContract } from './live-log.ts'

usePostgres()

liveLogContract('SQLite', async () => {
  const file = openSqlite(join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite'))
  const events = new EventTable(file.sql)
  return {
    live: createLiveLog(events, file),
    manifest: new SegmentTable(file),
    append: async entries => void (await file.write(() => events.append(entries))),
  }
})

liveLogContract('PostgreSQL', async () => {
  const url = await createDatabase()
  // The one that orders has the lock of the log with the first statement that asks for it.
  const [reading, ordering, writing] = [openSession(url), openSession(url), openSession(url)]
  const reader = new EventReader(reading)
  const inbox = new InboxWriter(writing)
  return {
    live: createPostgresLiveLog({ reading, ordering, read: query => reader.read(query) }),
    manifest: new PostgresManifest(reading, ordering),
    async append(entries) {
      await inbox.write(entries)
      await reader.catchUp()
    },
  }
})
