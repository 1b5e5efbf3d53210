import type { LedgerEntry, LedgerSpool } from '../../ledger/ledger.ts'
import { openSqlite, setUp } from './sqlite-file.ts'

/** A spool in a file. */
export interface SqliteSpool extends LedgerSpool {
  /** Writes what waits to be written and closes the file. Nothing can be kept after it. */
  close(): void
}

/**
 * Creates the spool in a file of its own, which is neither locked nor damaged if the ledger's is. On a full disk neither
 * takes a record, and no answer leaves that would need one.
 *
 * @throws Error if the file can't be opened or is not a database
 */
export function createSqliteSpool(path: string): SqliteSpool {
  const file = openSqlite(path)
  setUp(file, () => file.sql('CREATE TABLE IF NOT EXISTS waiting (id TEXT PRIMARY KEY, json TEXT NOT NULL)'))
  return {
    keep: ({ id, json }) =>
      file.write(() => {
        file.sql('INSERT INTO waiting (id, json) VALUES (?, ?) ON CONFLICT DO NOTHING', id, json)
      }),
    waiting: async (limit, after = '') =>
      file
        .sql<LedgerEntry>('SELECT id, json FROM waiting WHERE id > ? ORDER BY id LIMIT ?', after, limit)
        .map(({ id, json }) => ({ id, json })),
    drop: ids =>
      file.write(() => {
        for (const id of ids) file.sql('DELETE FROM waiting WHERE id = ?', id)
      }),
    close: file.close,
  }
}
