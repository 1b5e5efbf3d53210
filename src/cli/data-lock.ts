import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'
import { lockDataFolder } from '../runtime/local/data-folder.ts'
import { say, UsageError } from './terminal.ts'

/** Returns the variable by which the runtimes of a data folder are recognized, also after their `dev` was killed. */
export function runtimeMark(data: string): Record<string, string> {
  return { MEDIAWARD_DATA: resolve(data) }
}

/**
 * Locks a data folder for this process, so that two processes never write to one ledger. If an earlier run was killed,
 * its runtime may still hold the folder and the port. On Linux this ends it; elsewhere starting the gate fails because
 * the port is taken.
 *
 * @returns a function that releases the folder
 * @throws UsageError if another run holds it
 */
export function lockData(data: string): () => void {
  // The lock is the system's, in a folder of its own: the server of Node or Deno locks the data folder itself. The file
  // only says for a message which process holds the lock.
  const file = join(data, 'dev.pid')
  const unlock = lock(data, file)
  for (const pid of runtimesOf(data)) {
    say(`ending process ${pid}, the runtime of an earlier run that was killed`)
    process.kill(pid, 'SIGKILL')
  }
  writeFileSync(file, String(process.pid))
  return () => {
    rmSync(file, { force: true })
    unlock()
  }
}

function lock(data: string, file: string): () => void {
  try {
    return lockDataFolder(join(data, 'dev'))
  } catch (error) {
    const holder = readPid(file)
    if (holder === undefined) throw error
    throw new UsageError(
      `${data} is in use by process ${holder}`,
      'stop it, or name another folder with --data',
    )
  }
}

function readPid(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined
  } catch {
    return undefined
  }
}

function runtimesOf(data: string): readonly number[] {
  if (process.platform !== 'linux') return []
  const mark = `MEDIAWARD_DATA=${resolve(data)}`
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(name => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(mark)
      } catch {
        // The process belongs to another user, or has ended.
        return false
      }
    })
    .map(Number)
}
