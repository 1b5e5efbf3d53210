import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { OPTIONS } from '../config/table.ts'
import { intendedVariable } from '../config/unknown-variables.ts'
import { variablesOf } from '../config/variables.ts'
import { LOCAL_OPTIONS } from '../runtime/local/local-variables.ts'
import { say, UsageError } from './terminal.ts'

const KNOWN = variablesOf({ ...OPTIONS, ...LOCAL_OPTIONS })

/**
 * Reads the `NAME=value` lines of the file that `--vars` names. Leaves out variables that this version doesn't read. No
 * error quotes a value, which may be a secret.
 *
 * @throws UsageError if the file can't be read, or contains anything else
 */
export function readVariablesFile(file: string): Record<string, string> {
  let content: string
  try {
    // Some editors write a byte order mark first, which would become part of the first name.
    content = readFileSync(file, 'utf8').replace(/^\ufeff/, '')
  } catch {
    throw new UsageError(`${file} can't be read`, '--vars names a file of NAME=value lines')
  }
  const lines = Object.entries(parseEnv(content))
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
    if (KNOWN.includes(name)) {
      if (value !== undefined) variables[name] = value
      continue
    }
    const meant = intendedVariable(name, KNOWN)
    say(`${file}: ${name} is not read by this version${meant ? `: is it meant to be ${meant}?` : ''}`)
  }
  return variables
}
