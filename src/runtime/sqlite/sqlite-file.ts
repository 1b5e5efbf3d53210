import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { StorageFault } from '../../base/storage-fault.ts'
import type { Sql, SqlStorage } from './sql.ts'

/** A file of SQLite, and the ways to use it. */
export interface SqliteFile extends SqlStorage {
  /** Does some work in a transaction. Resolves to its result when the disk has it. */
  write<Result>(work: () => Result): Promise<Result>
  /** Writes what waits and closes the file. */
  close(): void
}

interface Waiting {
  /** Does the work, and returns what confirms it once it is committed. */
  readonly work: () => () => void
  readonly reject: (error: unknown) => void
}

const NO_WAL =
  'SQLite can keep no write-ahead log there, as on some network file systems: put the data on a local disk'

/**
 * Opens a file of SQLite with a write-ahead log and `synchronous=FULL`: a commit returns only when the disk has it.
 * Committing is what takes long, so all that is to be written in one turn of the event loop is committed together.
 *
 * @throws StorageFault if the disk is of a kind that SQLite can keep no write-ahead log on; Error if the file can't be
 *   opened or is not a database
 */
export function openSqlite(path: string): SqliteFile {
  // Created by us first, so that no other user of the machine can read it.
  closeSync(openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path)
  try {
    // SQLite keeps another mode, without an error, if the log is impossible.
    const mode = database.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode
    if (mode !== 'wal') throw new StorageFault(NO_WAL)
    database.exec('PRAGMA synchronous = FULL')
  } catch (error) {
    database.close()
    throw error
  }
  let waiting: Waiting[] = []

  function transaction<Result>(work: () => Result): Result {
    try {
      database.exec('BEGIN IMMEDIATE')
      const result = work()
      database.exec('COMMIT')
      return result
    } catch (error) {
      rollBack(database)
      throw error
    }
  }

  function commit(): void {
    const batch = waiting
    waiting = []
    if (batch.length === 0) return
    try {
      const confirmations = transaction(() => batch.map(({ work }) => work()))
      for (const confirm of confirmations) confirm()
    } catch (error) {
      // SQLite's own words: they hold no path and no value.
      const fault = new StorageFault(
        `SQLite did not write (${error instanceof Error ? error.message : 'unknown'})`,
      )
      for (const { reject } of batch) reject(fault)
    }
  }

  return {
    sql: sqlOf(database),
    transaction,
    write: <Result>(work: () => Result) =>
      new Promise<Result>((resolve, reject) => {
        const run = () => {
          const result = work()
          return () => resolve(result)
        }
        if (waiting.push({ work: run, reject }) === 1) setImmediate(commit)
      }),
    close() {
      commit()
      database.close()
    },
  }
}

/** Does some work on a file that was just opened, and closes the file if that fails. */
export function setUp<Result>(file: SqliteFile, work: () => Result): Result {
  try {
    return work()
  } catch (error) {
    file.close()
    throw error
  }
}

/** Does nothing if the transaction never began, or if the failure itself ended it. */
function rollBack(database: DatabaseSync): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    // As above; Node has a property that says so only since 22.16.
  }
}

/** Prepares each statement once: they are few, and used again and again. */
function sqlOf(database: DatabaseSync): Sql {
  const prepared = new Map<string, StatementSync>()
  return (statement, ...parameters) => {
    const ready = prepared.get(statement) ?? database.prepare(statement)
    prepared.set(statement, ready)
    return ready.all(...parameters) as never
  }
}
