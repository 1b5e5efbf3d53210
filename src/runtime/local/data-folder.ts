import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ConfigurationError } from '../../config/options.ts'

/** Kept here as long as they are held: an unreferenced database is collected and closed, and its lock is gone. */
const held = new Set<DatabaseSync>()

/**
 * Takes a data folder for this process. The lock is the operating system's, held through SQLite, which works alike on
 * all of them; it ends with the process, however that ends, so none is ever left behind.
 *
 * @returns gives the folder back
 * @throws ConfigurationError if another process has it, or it can't be written
 */
export function lockDataFolder(folder: string): () => void {
  let database: DatabaseSync | undefined
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    database = new DatabaseSync(join(folder, 'lock'))
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    const locked = error instanceof Error && /locked/.test(error.message)
    throw new ConfigurationError([
      locked
        ? `DATA_DIR (${folder}) is in use by another process: stop it, or give this one a folder of its own`
        : `DATA_DIR (${folder}) can't be written: make it a folder that belongs to the user the gate runs as`,
    ])
  }
  const lock = database
  held.add(lock)
  return () => {
    if (held.delete(lock)) lock.close()
  }
}
