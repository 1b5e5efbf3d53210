import process from 'node:process'
import { ConfigurationError } from '../config/options.ts'

// How this program speaks: data on stdout, talk on stderr; a mistake of the caller ends with exit code 2, a failure
// with 1; every error says how to go on.

/** Something the caller can mend. `hint` says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** A signal ended the work before its end: as a shell knows it, the exit code is 128 and the signal's number. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly exitCode: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super('interrupted')
    this.exitCode = signal === 'SIGINT' ? 130 : 143
  }
}

/** Writes a line of data. Resolves when it is handed on, so that a slow reader slows us. */
export async function print(line: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(`${line}\n`, error => (error ? reject(error) : resolve()))
  })
}

/** Whether the line of `progress` stands unfinished on the terminal. */
let unfinished = false

/** Says something to the person at the terminal. */
export function say(text: string): void {
  process.stderr.write(`${unfinished ? '\r\u001b[K' : ''}${text}\n`)
  unfinished = false
}

/** How often a log is told of a long work, in milliseconds. */
const LOG_EVERY = 15_000
let logged = Date.now()

/**
 * Shows how far a long work is, on one line of a terminal; in a log, with a line now and then and at its end.
 *
 * @param detail what else is to be said while it goes on
 */
export function progress(label: string, done: number, total: number, detail = ''): void {
  const share = total === 0 ? 1 : done / total
  const percent = `${String(Math.floor(share * 100)).padStart(3)} %`
  if (!process.stderr.isTTY) {
    if (share < 1 && Date.now() - logged < LOG_EVERY) return
    logged = Date.now()
    say(share >= 1 ? `${label}: done` : `${label}: ${percent.trim()}  ${detail}`.trimEnd())
    return
  }
  const filled = Math.round(share * 16)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(16 - filled)}`
  // A line that is broken in two can't be written over.
  const line = `${bar} ${percent}  ${label}  ${detail}`.trimEnd().slice(0, (process.stderr.columns || 80) - 1)
  process.stderr.write(`\r${line}\u001b[K${share >= 1 ? '\n' : ''}`)
  unfinished = share < 1
}

/** Ends the program with an error as a person wants to read it. */
export function fail(error: unknown): never {
  if (error instanceof Interrupted) {
    say('mediaward: interrupted')
    process.exit(error.exitCode)
  }
  const { message } = error as Error
  say(`mediaward: error: ${message}`)
  if (error instanceof UsageError && error.hint !== undefined) say(`mediaward: hint: ${error.hint}`)
  process.exit(error instanceof UsageError || error instanceof ConfigurationError ? 2 : 1)
}
