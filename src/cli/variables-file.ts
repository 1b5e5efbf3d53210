import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { VARIABLES } from '../config/variables.ts'
import { LOCAL_VARIABLES } from '../runtime/local/local-variables.ts'
import { say, UsageError } from './terminal.ts'

const LOCAL = new Set<string>(LOCAL_VARIABLES)

/**
 * Reads a file of variables, as `--vars` names it: `NAME=value` lines. No error quotes a value.
 *
 * @throws UsageError if it can't be read
 */
export function readVariablesFile(file: string): Record<string, string> {
  let text: string
  try {
    // Some editors put a mark in front, which would hide the first name.
    text = readFileSync(file, 'utf8').replace(/^\ufeff/, '')
  } catch {
    throw new UsageError(`${file} can't be read`, '--vars names a file of NAME=value lines')
  }
  const variables: Record<string, string> = {}
  for (const [name, value] of Object.entries(parseEnv(text))) {
    // What is no name may be a line of a secret that was not put in quotes.
    if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name)) {
      throw new UsageError(
        `${file} holds a line that is no NAME=value`,
        'put values of several lines in quotes',
      )
    }
    if (!Object.hasOwn(VARIABLES, name) && !LOCAL.has(name))
      say(`${file}: ${name} is not read by this version`)
    else if (value !== undefined) variables[name] = value
  }
  if (text.trim() !== '' && Object.keys(parseEnv(text)).length === 0 && !/^\s*#/.test(text)) {
    throw new UsageError(`${file} names no variable`, '--vars names a file of NAME=value lines')
  }
  return variables
}
