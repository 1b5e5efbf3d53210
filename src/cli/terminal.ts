import process from 'node:process'
import { ConfigurationError } from '../config/options.ts'

// How this program speaks: data on stdout, messages on stderr. It exits with 2 if it was called wrongly, with 3 if the gate
// no longer accepts the token while it follows the log, and with 1 if it failed. Every error says how to go on.

/** How the user runs this program: with npm in a checkout, where it is TypeScript, and with npx once installed. */
export const COMMAND: string = import.meta.url.endsWith('.ts')
  ? 'npm run -s mediaward --'
  : 'npx --no mediaward'

/** A mistake that the user can fix. `hint` says how. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(message)
    this.hint = hint
  }
}

/** The gate accepted the token before, and doesn't any more. Only a new token helps, so there is no use in trying again. */
export class TokenEnded extends Error {
  override readonly name = 'TokenEnded'
  readonly exitCode = 3

  /** @param place the option that goes on from there, as in `--from 42` */
  constructor(place: string) {
    super(`the gate no longer accepts the token: get a new one, and go on with ${place}`)
  }
}

/** A signal ended the work early. As in shells, the exit code is 128 plus the number of the signal. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  readonly exitCode: number

  constructor(signal: 'SIGINT' | 'SIGTERM') {
    super('interrupted')
    this.exitCode = signal === 'SIGINT' ? 130 : 143
  }
}

/** Writes a line of data. Resolves once it is written, so that a slow reader slows this program down. */
export function print(line: string): Promise<void> {
  return printText(`${line}\n`)
}

/** Writes data as it is, and resolves as {@link print} does. */
export async function printText(data: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    process.stdout.write(data, error => (error ? reject(error) : resolve()))
  })
}

/** Whether the terminal shows a line of {@link drawLine} that is not finished. */
let isLineOpen = false

/** Shows a message to the person at the terminal. */
export function say(message: string): void {
  process.stderr.write(`${isLineOpen ? '\r\u001b[K' : ''}${message}\n`)
  isLineOpen = false
}

/** Draws a line on the terminal over the one drawn before, unless that one was finished. */
export function drawLine(line: string, isFinished: boolean): void {
  // A line that wraps can't be drawn over.
  const visible = line.slice(0, (process.stderr.columns || 80) - 1)
  process.stderr.write(`\r${visible}\u001b[K${isFinished ? '\n' : ''}`)
  isLineOpen = !isFinished
}

/** Shows an error, and ends the program. */
export function fail(error: unknown): never {
  if (error instanceof Interrupted) {
    say('mediaward: interrupted')
    process.exit(error.exitCode)
  }
  say(`mediaward: error: ${messageOf(error)}`)
  if (error instanceof UsageError && error.hint !== undefined) say(`mediaward: hint: ${error.hint}`)
  if (error instanceof TokenEnded) process.exit(error.exitCode)
  process.exit(error instanceof UsageError || error instanceof ConfigurationError ? 2 : 1)
}

/** Returns the message of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
