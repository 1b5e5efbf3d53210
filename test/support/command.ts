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
      { env: { ...process.env, ...env }, maxBuffer: 2 ** 26 },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
  })
}

/** Runs a command that reads stdin, in an environment without the variables of a gate, unless they are given. */
export function runWith(
  stdin: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const { PSEUDONYM_KEY: _, ISSUERS: __, ...rest } = process.env
  return new Promise(resolve => {
    const { stdin: input } = execFile(
      process.execPath,
      [MAIN, ...args],
      { env: { ...rest, ...env } },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    )
    // One that refuses its arguments reads nothing.
    input?.on('error', () => {})
    input?.end(stdin)
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
