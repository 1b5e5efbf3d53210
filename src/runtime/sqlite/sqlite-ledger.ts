import { setImmediate } from 'node:timers/promises'
import type { Archiver } from '../../archive/archiver.ts'
import { type Keeping, keepLog } from '../../archive/keep.ts'
import type { FollowerStates } from '../../follow/states.ts'
import { type Ledger, parseCursor } from '../../ledger/ledger.ts'
import { Arrivals } from '../../ledger/query/arrivals.ts'
import { pageOf, type TablePage, type TableQuery, tableQueryOf } from '../../ledger/query/table-page.ts'
import type { FindingControl } from '../../watch/finding-control.ts'
import type { Watching } from '../../watch/watching.ts'
import { EventLog } from './event-log.ts'
import type { EventTable } from './event-table.ts'
import { SqlFollowerStates } from './follower-states.ts'
import { createLiveLog } from './live-table.ts'
import { openEvents } from './migration.ts'
import { SegmentTable } from './segment-table.ts'
import { openSqlite, setUp } from './sqlite-file.ts'
import { createSqlFindings } from './watch/findings.ts'

/** A ledger in a file. */
export interface SqliteLedger extends Ledger {
  /** Gives an index to the deliveries of views that are due, and escalates findings. To be called every few seconds. */
  settle(): Promise<void>
  /** What followers of this log remember, in the same file. */
  readonly states: FollowerStates
  /** Archives and prunes the records, if the ledger was created so. */
  readonly archiver: Archiver | undefined
  /** What the rules found, if the ledger was created with rules. */
  readonly findings: FindingControl | undefined
  /** Has something done whenever records were stored. */
  subscribe(stored: () => void): void
  /** Writes what waits and closes the file. Nothing can be appended after it. */
  close(): void
}

/**
 * Creates the ledger in one file of SQLite. A file of an earlier version is moved to the tables of this one first.
 *
 * @param now the clock, in milliseconds since 1970
 * @param keeping without it, all records stay in the file
 * @param watching the rules in force. Without it, no record is watched
 * @throws Error if the file can't be opened or is not a database
 */
export function createSqliteLedger(
  path: string,
  now: () => number = Date.now,
  keeping?: Keeping,
  watching?: Watching,
): SqliteLedger {
  const file = openSqlite(path)
  const log = setUp(file, () => new EventLog(file.sql, openEvents(file), watching))
  const { events, watch } = log
  const live = (query: TableQuery) => readLive(events, query)
  const archive =
    keeping &&
    setUp(file, () => keepLog(createLiveLog(events, file, live), new SegmentTable(file), keeping, now))
  const arrivals = new Arrivals()
  const subscribers: (() => void)[] = []
  const announce = () => {
    arrivals.announce()
    for (const stored of subscribers) stored()
  }
  const write = async (work: () => void) => {
    try {
      await file.write(work)
    } catch (error) {
      watch?.forget()
      throw error
    }
    announce()
  }
  return {
    states: setUp(file, () => new SqlFollowerStates(file)),
    archiver: archive?.archiver,
    ...(archive && { archiveLag: () => archive.archiver.lag() }),

    findings: watch && createSqlFindings({ watch, write: work => file.write(work), now, announce }),

    append: entries => write(() => log.append(entries, now())),

    async settle() {
      if (now() >= log.due(now())) await write(() => log.settle(now()))
    },

    subscribe: stored => void subscribers.push(stored),

    async read(query) {
      const asked = tableQueryOf(query)
      return pageOf(await (archive === undefined ? live(asked) : archive.log.read(asked)))
    },

    count: async query => events.count(query),

    held: async query => log.held(query),

    async waitAfter(cursor, milliseconds) {
      const after = parseCursor(cursor) ?? 0
      await arrivals.wait(() => events.end > after, milliseconds)
    },

    close() {
      archive?.archiver.close()
      file.close()
    },
  }
}

/** Reads the live table. Others are served in between: a page would hold up the process for some milliseconds. */
async function readLive(events: EventTable, query: TableQuery): Promise<TablePage> {
  const steps = events.readInSteps(query)
  let step = steps.next()
  for (; !step.done; step = steps.next()) await setImmediate()
  return step.value
}
