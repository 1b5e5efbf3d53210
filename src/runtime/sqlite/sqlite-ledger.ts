import { setImmediate } from 'node:timers/promises'
import { Arrivals } from '../../ledger/arrivals.ts'
import { type Ledger, parseCursor } from '../../ledger/ledger.ts'
import { pageOf } from './event-table.ts'
import { openEvents } from './migration.ts'
import { openSqlite, setUp } from './sqlite-file.ts'

/** A ledger in a file. */
export interface SqliteLedger extends Ledger {
  /** Writes what waits and closes the file. Nothing can be appended after it. */
  close(): void
}

/**
 * Creates the ledger in one file of SQLite. A file of an earlier version is moved to the tables of this one first.
 *
 * @throws Error if the file can't be opened or is not a database
 */
export function createSqliteLedger(path: string): SqliteLedger {
  const file = openSqlite(path)
  const events = setUp(file, () => openEvents(file))
  const arrivals = new Arrivals()
  return {
    async append(entries) {
      await file.write(() => events.append(entries))
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

    async waitAfter(cursor, milliseconds) {
      const end = () => events.read({ limit: 1, order: 'newest' }).end
      await arrivals.wait(() => end() > (parseCursor(cursor) ?? 0), milliseconds)
    },

    close: () => file.close(),
  }
}
