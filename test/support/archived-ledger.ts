import { ArchiveReader } from '../../src/archive/archive-reader.ts'
import { createMemoryArchive } from '../../src/archive/archive-store.ts'
import { ArchivedSegments } from '../../src/archive/archived-segments.ts'
import { Archiver } from '../../src/archive/archiver.ts'
import { type Ledger, parseCursor } from '../../src/ledger/ledger.ts'
import { Arrivals } from '../../src/ledger/query/arrivals.ts'
import { EventLog } from '../../src/runtime/sqlite/event-log.ts'
import { EventTable, pageOf } from '../../src/runtime/sqlite/event-table.ts'
import { KeptLog } from '../../src/runtime/sqlite/kept-log.ts'
import { createLiveLog } from '../../src/runtime/sqlite/live-table.ts'
import { SegmentTable } from '../../src/runtime/sqlite/segment-table.ts'
import { openSqlite } from '../../src/runtime/sqlite/sqlite-file.ts'

/**
 * Creates a ledger that archives each record as soon as it is stored, and prunes all that it can: what a reader sees must be
 * the same as of a ledger that keeps everything.
 */
export function createEagerLedger(path: string): Ledger {
  const file = openSqlite(path)
  const log = new EventLog(file.sql, new EventTable(file.sql))
  const { events } = log
  const manifest = new SegmentTable(file)
  const segments = new ArchivedSegments(createMemoryArchive())
  const kept = new KeptLog(events, new ArchiveReader(manifest, segments))
  // For it, months pass between two looks at the clock.
  let hours = 0
  const now = () => Date.now() + ++hours * 3_600_000 * 24 * 30
  const arrivals = new Arrivals()
  // That a record comes again which was pruned is no case of the contract: the live log no longer knows it.
  const pruned = new Set<string>()
  const limits = { days: 1, records: 1, years: 1_000_000 }
  const archiver = new Archiver({ log: createLiveLog(events, file), manifest, segments, limits, now })
  return {
    async append(entries) {
      const unknown = entries.filter(({ id }) => !pruned.has(id))
      await file.write(() => log.append(unknown, Date.now()))
      arrivals.announce()
      const before = events.first
      const all = await kept.read({ limit: 1_000, from: before - 1 })
      await archiver.step()
      await archiver.step()
      for (const { id, index } of all.entries) if (index < events.first - 1) pruned.add(id)
    },
    async read({ after: cursor, ...query }) {
      const after = parseCursor(cursor)
      return pageOf(await kept.read({ ...query, ...(after !== undefined && { after }) }))
    },
    count: async query => events.count(query),
    held: async query => log.held(query),
    waitAfter: (cursor, milliseconds) => arrivals.wait(() => events.end > Number(cursor), milliseconds),
  }
}
