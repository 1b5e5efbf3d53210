import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { Runtime, Table } from '../config/option.ts'
import { OPTIONS } from '../config/table.ts'
import { intendedVariable } from '../config/unknown-variables.ts'
import { variablesOf } from '../config/variables.ts'
import { LOCAL_OPTIONS } from '../runtime/local/local-variables.ts'
import { say, UsageError } from './terminal.ts'

const TABLE: Table = { ...OPTIONS, ...LOCAL_OPTIONS }

/**
 * Takes note of a variable that this version doesn't read.
 *
 * @param meant the variable that it is meant to be; `''` if it is like none, undefined if it is another program's
 */
export type UnreadVariables = (name: string, meant: string | undefined) => void

/** Creates a function that says which variables of a file are not read. */
export const sayUnread =
  (file: string): UnreadVariables =>
  (name, meant) =>
    say(`${file}: ${name} is not read by this version${meant ? `: is it meant to be ${meant}?` : ''}`)

/** Variables that `dev` sets itself or can't honour, and what to do instead of setting them. */
const SET_BY_DEV: Readonly<Record<string, string>> = {
  DATA_DIR: 'use --data',
  PORT: 'use --port',
  HOST: 'dev serves this machine only',
  DATABASE_URL: 'dev keeps a log of its own in --data',
  LEDGER_JURISDICTION: 'only Cloudflare has jurisdictions',
}
const RUNTIME_NAMES: Readonly<Record<Runtime, string>> = { workers: 'workerd', deno: 'deno', node: 'node' }

/**
 * Reads the `NAME=value` lines of the file that `--vars` names. Leaves out variables that this version doesn't read. No
 * error quotes a value, which may be a secret.
 *
 * @param warn takes note of those that are left out. By default they are shown to the person at the terminal
 * @throws UsageError if the file can't be read, or contains anything else
 */
export function readVariablesFile(
  file: string,
  warn: UnreadVariables = sayUnread(file),
): Record<string, string> {
  let content: string
  try {
    // Some editors write a byte order mark first, which would become part of the first name.
    content = readFileSync(file, 'utf8').replace(/^\ufeff/, '')
  } catch {
    throw new UsageError(`${file} can't be read`, '--vars names a file of NAME=value lines')
  }
  const parsed = parseEnv(content)
  const lines = Object.entries(parsed)
  const known = variablesOf(TABLE, parsed)
  if (content.trim() !== '' && lines.length === 0 && !/^\s*#/.test(content)) {
    throw new UsageError(`${file} contains no variables`, '--vars names a file of NAME=value lines')
  }
  const variables: Record<string, string> = {}
  for (const [name, value] of lines) {
    // This may be a line of a secret that is not in quotes.
    if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name)) {
      throw new UsageError(
        `${file} contains a line that is not NAME=value`,
        'put a value of several lines in quotes',
      )
    }
    if (known.includes(name)) {
      if (value !== undefined) variables[name] = value
      continue
    }
    warn(name, intendedVariable(name, known))
  }
  return variables
}

/** Warns of each variable that has no effect on a gate of `dev`, and says what has. */
export function warnOfIgnoredVariables(names: readonly string[], runtime: string): void {
  for (const { variable = '', runtimes } of Object.values(TABLE)) {
    if (!names.includes(variable)) continue
    const possible = runtimes?.map(one => RUNTIME_NAMES[one])
    const remedy =
      SET_BY_DEV[variable] ??
      (possible?.includes(runtime) === false ? `use --runtime ${possible.join(' or ')}` : undefined)
    if (remedy !== undefined) say(`${variable} has no effect in dev --runtime ${runtime}: ${remedy}`)
  }
}
