import process from 'node:process'
import { ConfigurationError } from '../options.ts'

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

/** Writes a line of data. Resolves when it is handed on, so that a slow reader slows us. */
export async function print(line: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(`${line}\n`, error => (error ? reject(error) : resolve()))
  })
}

/** Says something to the person at the terminal. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Shows how far a long work is, on one line of a terminal; in a log, only its end. */
export function progress(label: string, done: number, total: number): void {
  const share = total === 0 ? 1 : done / total
  if (!process.stderr.isTTY) {
    if (share >= 1) say(`${label}: done`)
    return
  }
  const filled = Math.round(share * 24)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(24 - filled)}`
  process.stderr.write(
    `\r${bar} ${String(Math.round(share * 100)).padStart(3)} %  ${label}\u001b[K${share >= 1 ? '\n' : ''}`,
  )
}

/** Ends the program with an error as a person wants to read it. */
export function fail(error: unknown): never {
  const { message } = error as Error
  say(`mediaward: error: ${message}`)
  if (error instanceof UsageError && error.hint !== undefined) say(`mediaward: hint: ${error.hint}`)
  process.exit(error instanceof UsageError || error instanceof ConfigurationError ? 2 : 1)
}
