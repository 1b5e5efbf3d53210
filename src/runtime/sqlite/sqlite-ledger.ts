import { CursorInvalid, type Ledger } from '../../ledger/ledger.ts'
import { EventTable } from './event-table.ts'
import { openSqlite } from './sqlite-file.ts'

/** A ledger in a file. */
export interface SqliteLedger extends Ledger {
  /** Writes what waits and closes the file. Nothing can be recorded after it. */
  close(): void
}

/**
 * The ledger in one file of SQLite.
 *
 * @throws Error where the file can't be opened or is no database
 */
export function createSqliteLedger(path: string): SqliteLedger {
  const file = openSqlite(path)
  const events = new EventTable(file.sql)
  return {
    record: entry => file.write(() => events.insert(entry)),

    async read({ after = '0', ...query }) {
      if (!/^\d{1,15}$/.test(after)) throw new CursorInvalid()
      const { entries, end } = events.read({ ...query, after: Number(after) })
      return {
        entries: entries.map(({ id, json }) => ({ id, json })).sort((a, b) => (a.id < b.id ? -1 : 1)),
        cursor: String(end),
        more: !query.latest && entries.length === query.limit,
      }
    },

    close: file.close,
  }
}
