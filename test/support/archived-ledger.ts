import { createMemoryArchive } from '../../src/archive/archive-store.ts'
import type { Archiver } from '../../src/archive/archiver.ts'
import { type Keeping, keepLog } from '../../src/archive/keep.ts'
import type { KeepLimits } from '../../src/archive/keep-options.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { Arrivals } from '../../src/ledger/query/arrivals.ts'
import { pageOf, tableQueryOf } from '../../src/ledger/query/table-page.ts'
import { EventLog } from '../../src/runtime/sqlite/event-log.ts'
import { EventTable } from '../../src/runtime/sqlite/event-table.ts'
import { createLiveLog } from '../../src/runtime/sqlite/live-table.ts'
import { SegmentTable } from '../../src/runtime/sqlite/segment-table.ts'
import { openSqlite } from '../../src/runtime/sqlite/sqlite-file.ts'

// Ledgers that archive each record as soon as it is stored, and prune all that they can: what a reader sees must be the same as
// of a ledger that keeps everything.

/** Of what is archived and old enough, nothing stays live. */
export const KEPT: KeepLimits = { days: 1, records: 1, years: 1_000_000 }

/** Keeps nothing that may be pruned, in a new archive. */
export const keepNothing = (): Keeping => ({ archive: createMemoryArchive(), limits: KEPT })

/** Returns a clock on which months pass between two looks. */
export function hurriedClock(): () => number {
  let months = 0
  return () => Date.now() + ++months * 3_600_000 * 24 * 30
}

/** Returns a ledger of which each append archives and prunes. */
export function eagerly(ledger: Ledger, archiver: Archiver): Ledger {
  // That a record comes again which was pruned is no case of the contract: the live log no longer knows it.
  const pruned = new Set<string>()
  return {
    ...ledger,
    async append(entries) {
      await ledger.append(entries.filter(({ id }) => !pruned.has(id)))
      // A read gives indexes to what has none yet.
      await ledger.read({ limit: 1 })
      await archiver.step()
      await archiver.step()
      let page = await ledger.read({ limit: 1_000, from: pruned.size })
      for (; page.archived; page = await ledger.read({ limit: 1_000, from: pruned.size })) {
        for (const { id } of page.entries) pruned.add(id)
      }
    },
  }
}

/** Creates such a ledger in a file. */
export function createEagerLedger(path: string): Ledger {
  const file = openSqlite(path)
  const log = new EventLog(file.sql, new EventTable(file.sql))
  const { events } = log
  const arrivals = new Arrivals()
  const manifest = new SegmentTable(file)
  const archived = keepLog(createLiveLog(events, file), manifest, keepNothing(), hurriedClock())
  const ledger: Ledger = {
    async append(entries) {
      await file.write(() => log.append(entries, Date.now()))
      arrivals.announce()
    },
    read: async query => pageOf(await archived.log.read(tableQueryOf(query))),
    count: async query => events.count(query),
    held: async query => log.held(query),
    waitAfter: (cursor, milliseconds) => arrivals.wait(() => events.end > Number(cursor), milliseconds),
  }
  return eagerly(ledger, archived.archiver)
}
