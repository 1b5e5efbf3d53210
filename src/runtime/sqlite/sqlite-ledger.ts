import { setImmediate } from 'node:timers/promises'
import { CursorInvalid, type Ledger } from '../../ledger/ledger.ts'
import { openEvents } from './migration.ts'
import { openSqlite, setUp } from './sqlite-file.ts'

/** A ledger in a file. */
export interface SqliteLedger extends Ledger {
  /** Writes what waits and closes the file. Nothing can be appended after it. */
  close(): void
}

/** How many records of an earlier version are moved in one transaction. */
const MIGRATION_STEP = 10_000

/**
 * Creates the ledger in one file of SQLite. A file of an earlier version is moved to the tables of this one first.
 *
 * @throws Error if the file can't be opened or is not a database
 */
export function createSqliteLedger(path: string): SqliteLedger {
  const file = openSqlite(path)
  const events = setUp(file, () => {
    const { events, migration } = openEvents(file)
    while (!migration.isDone) migration.step(MIGRATION_STEP)
    return events
  })
  return {
    append: entries => file.write(() => events.append(entries)),

    async read({ after = '0', ...query }) {
      if (!/^\d{1,15}$/.test(after)) throw new CursorInvalid()
      const steps = events.readInSteps({ ...query, after: Number(after) })
      let step = steps.next()
      // Others are served in between: a page of a thousand records would hold up the process for some milliseconds.
      for (; !step.done; step = steps.next()) await setImmediate()
      const { entries, cursor, more } = step.value
      return {
        entries: entries
          .map(({ id, json, place }) => ({ id, json, index: place - 1 }))
          .sort((a, b) => (a.id < b.id ? -1 : 1)),
        cursor: String(cursor),
        more,
      }
    },

    close: () => file.close(),
  }
}
