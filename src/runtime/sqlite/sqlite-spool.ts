import type { LedgerEntry, LedgerSpool } from '../../ledger/ledger.ts'
import { openSqlite } from './sqlite-file.ts'

/** An overflow in a file. */
export interface SqliteSpool extends LedgerSpool {
  close(): void
}

/**
 * Records that the ledger couldn't take, in a file of their own: where that of the ledger is locked or damaged, this
 * one isn't. On a full disk neither takes a record, and nothing is answered that would need one.
 *
 * @throws Error where the file can't be opened or is no database
 */
export function createSqliteSpool(path: string): SqliteSpool {
  const file = openSqlite(path)
  file.sql('CREATE TABLE IF NOT EXISTS waiting (id TEXT PRIMARY KEY, json TEXT NOT NULL)')
  return {
    keep: ({ id, json }) =>
      file.write(() => {
        file.sql('INSERT INTO waiting (id, json) VALUES (?, ?) ON CONFLICT DO NOTHING', id, json)
      }),
    waiting: async limit =>
      file
        .sql<LedgerEntry>('SELECT id, json FROM waiting LIMIT ?', limit)
        .map(({ id, json }) => ({ id, json })),
    drop: ids =>
      file.write(() => {
        for (const id of ids) file.sql('DELETE FROM waiting WHERE id = ?', id)
      }),
    close: file.close,
  }
}
