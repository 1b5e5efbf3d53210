import { type ChildProcess, execFile, spawn } from 'node:child_process'

const MAIN = new URL('../../src/cli/main.ts', import.meta.url).pathname

/** How a command ended. */
export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command as a person or a program calls it. */
export function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return new Promise(resolve => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { ...process.env, ...env } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess
  /** Its exit code is -1 where a signal ended it. */
  readonly ended: Promise<Ended>
}

/** Starts a command, to be meddled with. */
export function start(args: readonly string[]): Running {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  const heard = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      heard[name] += chunk.toString()
    })
  }
  const ended = new Promise<Ended>(resolve =>
    child.once('close', code => resolve({ code: code ?? -1, ...heard })),
  )
  return { child, ended }
}
