import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import process from 'node:process'
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
 * @returns releases the folder
 * @throws UsageError if another run holds it
 */
export function lockData(data: string): () => void {
  mkdirSync(data, { recursive: true })
  const file = join(data, 'dev.pid')
  const holder = readPid(file)
  const runtimes = runtimesOf(data)
  if (holder !== undefined && holder !== process.pid && isAlive(holder)) {
    // The system may have given the id of a killed run to another process: on Linux, a `dev` is the parent of a runtime.
    const isDev = process.platform !== 'linux' || runtimes.some(({ parent }) => parent === holder)
    if (isDev) {
      throw new UsageError(
        `${data} is in use by process ${holder}`,
        'stop it, or name another folder with --data',
      )
    }
  }
  for (const { pid } of runtimes) {
    say(`ending process ${pid}, the runtime of an earlier run that was killed`)
    process.kill(pid, 'SIGKILL')
  }
  writeFileSync(file, String(process.pid))
  return () => rmSync(file, { force: true })
}

function readPid(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8')) || undefined
  } catch {
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function runtimesOf(data: string): { pid: number; parent: number }[] {
  if (process.platform !== 'linux') return []
  const mark = `MEDIAWARD_DATA=${resolve(data)}`
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(name => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, 'utf8').split('\0').includes(mark)) return []
        const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1]
        return [{ pid: Number(name), parent: Number(parent) }]
      } catch {
        // The process belongs to another user, or has ended.
        return []
      }
    })
}
