import { setImmediate } from 'node:timers/promises'
import type { FollowerStates } from '../../follow/states.ts'
import { type Ledger, parseCursor } from '../../ledger/ledger.ts'
import { Arrivals } from '../../ledger/query/arrivals.ts'
import { EventLog } from './event-log.ts'
import { pageOf } from './event-table.ts'
import { SqlFollowerStates } from './follower-states.ts'
import { openEvents } from './migration.ts'
import { openSqlite, setUp } from './sqlite-file.ts'

/** A ledger in a file. */
export interface SqliteLedger extends Ledger {
  /** Gives an index to the deliveries of views that are due. To be called every few seconds. */
  settle(): Promise<void>
  /** What followers of this log remember, in the same file. */
  readonly states: FollowerStates
  /** Writes what waits and closes the file. Nothing can be appended after it. */
  close(): void
}

/**
 * Creates the ledger in one file of SQLite. A file of an earlier version is moved to the tables of this one first.
 *
 * @param now the clock, in milliseconds since 1970
 * @throws Error if the file can't be opened or is not a database
 */
export function createSqliteLedger(path: string, now: () => number = Date.now): SqliteLedger {
  const file = openSqlite(path)
  const log = setUp(file, () => new EventLog(file.sql, openEvents(file)))
  const { events } = log
  const arrivals = new Arrivals()
  return {
    states: setUp(file, () => new SqlFollowerStates(file)),

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
      const steps = events.readInSteps({ ...query, ...(after !== undefined && { after }) })
      let step = steps.next()
      // Others are served in between: a page of a thousand records would hold up the process for some milliseconds.
      for (; !step.done; step = steps.next()) await setImmediate()
      return pageOf(step.value)
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
