import { setImmediate } from 'node:timers/promises'
import { ArchiveReader } from '../../archive/archive-reader.ts'
import type { ArchiveStore } from '../../archive/archive-store.ts'
import { ArchivedSegments } from '../../archive/archived-segments.ts'
import { Archiver } from '../../archive/archiver.ts'
import type { KeepLimits } from '../../archive/keep-options.ts'
import type { FollowerStates } from '../../follow/states.ts'
import { type Ledger, parseCursor } from '../../ledger/ledger.ts'
import { Arrivals } from '../../ledger/query/arrivals.ts'
import { EventLog } from './event-log.ts'
import { type EventTable, pageOf, type TablePage, type TableQuery } from './event-table.ts'
import { SqlFollowerStates } from './follower-states.ts'
import { KeptLog } from './kept-log.ts'
import { createLiveLog } from './live-table.ts'
import { openEvents } from './migration.ts'
import { SegmentTable } from './segment-table.ts'
import { openSqlite, type SqliteFile, setUp } from './sqlite-file.ts'

/** Where the records of a ledger are archived, and when they are pruned. */
export interface Keeping {
  readonly archive: ArchiveStore
  readonly limits: KeepLimits
}

/** A ledger in a file. */
export interface SqliteLedger extends Ledger {
  /** Gives an index to the deliveries of views that are due. To be called every few seconds. */
  settle(): Promise<void>
  /** What followers of this log remember, in the same file. */
  readonly states: FollowerStates
  /** Archives and prunes the records, if the ledger was created so. */
  readonly archiver: Archiver | undefined
  /** Writes what waits and closes the file. Nothing can be appended after it. */
  close(): void
}

/**
 * Creates the ledger in one file of SQLite. A file of an earlier version is moved to the tables of this one first.
 *
 * @param now the clock, in milliseconds since 1970
 * @param keeping without it, all records stay in the file
 * @throws Error if the file can't be opened or is not a database
 */
export function createSqliteLedger(
  path: string,
  now: () => number = Date.now,
  keeping?: Keeping,
): SqliteLedger {
  const file = openSqlite(path)
  const log = setUp(file, () => new EventLog(file.sql, openEvents(file)))
  const { events } = log
  const live = (query: TableQuery) => readLive(events, query)
  const archive = keeping && setUp(file, () => openArchive(file, events, { ...keeping, now, live }))
  const arrivals = new Arrivals()
  return {
    states: setUp(file, () => new SqlFollowerStates(file)),
    archiver: archive?.archiver,
    ...(archive && { archiveLag: () => archive.archiver.lag() }),

    async append(entries) {
      await file.write(() => log.append(entries, now()))
      arrivals.announce()
    },

    async settle() {
      if (now() < log.due) return
      await file.write(() => log.settle(now()))
      arrivals.announce()
    },

    async read({ after: cursor, ...query }) {
      const after = parseCursor(cursor)
      const asked = { ...query, ...(after !== undefined && { after }) }
      return pageOf(await (archive === undefined ? live(asked) : archive.log.read(asked)))
    },

    count: async query => events.count(query),

    held: async query => log.held(query),

    async waitAfter(cursor, milliseconds) {
      const after = parseCursor(cursor) ?? 0
      await arrivals.wait(() => events.end > after, milliseconds)
    },

    close: () => file.close(),
  }
}

/** Reads the live table. Others are served in between: a page would hold up the process for some milliseconds. */
async function readLive(events: EventTable, query: TableQuery): Promise<TablePage> {
  const steps = events.readInSteps(query)
  let step = steps.next()
  for (; !step.done; step = steps.next()) await setImmediate()
  return step.value
}

function openArchive(
  file: SqliteFile,
  events: EventTable,
  { archive, limits, now, live }: Keeping & { now(): number; live(query: TableQuery): Promise<TablePage> },
) {
  const manifest = new SegmentTable(file)
  const segments = new ArchivedSegments(archive)
  return {
    log: new KeptLog(events, new ArchiveReader(manifest, segments), live),
    archiver: new Archiver({ log: createLiveLog(events, file), manifest, segments, limits, now }),
  }
}
