import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { VARIABLES } from '../config/variables.ts'
import { LOCAL_VARIABLES } from '../runtime/local/local-variables.ts'
import { say, UsageError } from './terminal.ts'

const LOCAL = new Set<string>(LOCAL_VARIABLES)

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
  const variables: Record<string, string> = {}
  for (const [name, value] of Object.entries(parseEnv(content))) {
    // This may be a line of a secret that is not in quotes.
    if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name)) {
      throw new UsageError(
        `${file} contains a line that is not NAME=value`,
        'put a value of several lines in quotes',
      )
    }
    if (!Object.hasOwn(VARIABLES, name) && !LOCAL.has(name))
      say(`${file}: this version does not read ${name}`)
    else if (value !== undefined) variables[name] = value
  }
  if (content.trim() !== '' && Object.keys(parseEnv(content)).length === 0 && !/^\s*#/.test(content)) {
    throw new UsageError(`${file} contains no variables`, '--vars names a file of NAME=value lines')
  }
  return variables
}
