import type { Control } from '../../../control/control.ts'
import { openSqlite, type SqliteFile, setUp } from '../sqlite-file.ts'
import { ControlTable } from './control-table.ts'

/** Restrictions in a file. */
export interface SqliteControl extends Control {
  /** Writes what waits and closes the file. Calls that wait for a change, and later ones, reject. */
  close(): void
}

/**
 * Creates the restrictions of one machine, in a file of SQLite of their own. They are on the disk when a call resolves.
 *
 * @param now the clock, in milliseconds since 1970
 * @throws Error if the file can't be opened or is not a database
 */
export function createSqliteControl(path: string, now: () => number): SqliteControl {
  const file = openSqlite(path)
  return setUp(file, () => new ControlFile(file, now))
}

class ControlFile extends ControlTable implements SqliteControl {
  readonly #file: SqliteFile

  constructor(file: SqliteFile, now: () => number) {
    super(file, now)
    this.#file = file
  }

  close(): void {
    this.#file.close()
    this.wake()
  }
}
