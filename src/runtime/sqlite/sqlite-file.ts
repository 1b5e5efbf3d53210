import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { StorageFault } from '../../base/storage-fault.ts'
import type { Sql } from './event-table.ts'

/** A file of SQLite, and the ways to use it. */
export interface SqliteFile {
  readonly sql: Sql
  /** Does some work in a transaction. Resolves when the disk has it. */
  write(work: () => void): Promise<void>
  /** Writes what waits and closes the file. */
  close(): void
}

interface Waiting {
  readonly work: () => void
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * Opens a file of SQLite with a write-ahead log and `synchronous=FULL`: a commit returns only when the disk has it.
 * Committing is what takes long, so all that is to be written in one turn of the event loop is committed together.
 *
 * @throws Error where the file can't be opened or is no database
 */
export function openSqlite(path: string): SqliteFile {
  // Made by us first, so that nobody else on the machine can read it.
  closeSync(openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path)
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
  } catch (error) {
    database.close()
    throw error
  }
  let waiting: Waiting[] = []

  function commit(): void {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const { work } of batch) work()
      database.exec('COMMIT')
    } catch (error) {
      // Said by SQLite in words of its own: they hold no path and no value.
      const fault = new StorageFault(
        `SQLite did not write (${error instanceof Error ? error.message : 'unknown'})`,
      )
      rollBack(database)
      for (const { reject } of batch) reject(fault)
      return
    }
    for (const { resolve } of batch) resolve()
  }

  return {
    sql: sqlOf(database),
    write: work =>
      new Promise((resolve, reject) => {
        if (waiting.push({ work, resolve, reject }) === 1) setImmediate(commit)
      }),
    close() {
      commit()
      database.close()
    },
  }
}

/** Where the transaction never began, or was ended by the failure itself, there is nothing to roll back. */
function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // As above; Node tells it in a property only since 22.16.
  }
}

/** Statements are prepared once: they are few, and asked for again and again. */
function sqlOf(database: DatabaseSync): Sql {
  const prepared = new Map<string, StatementSync>()
  return (text, ...parameters) => {
    const statement = prepared.get(text) ?? database.prepare(text)
    prepared.set(text, statement)
    return statement.all(...parameters) as never
  }
}
