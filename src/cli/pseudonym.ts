import process from 'node:process'
import { parseArgs } from 'node:util'
import type { Issuer } from '../authenticate/issuer.ts'
import { readVariables, type VariableOptions } from '../config/variables.ts'
import { createPseudonymizer, MIN_KEY_LENGTH } from '../ledger/pseudonym.ts'
import { DEFAULT_DATA } from './client.ts'
import { type DevelopmentSecrets, developmentIssuer, readDevelopmentSecrets } from './development-issuer.ts'
import { COMMAND, print, say, UsageError } from './terminal.ts'
import { readVariablesFile } from './variables-file.ts'

/** The longest id that is read, in characters. Longer input was meant for another program. */
const MAX_INPUT = 1024

/**
 * Runs `mediaward pseudonym`: prints the pseudonym that stands for a person in the log. Takes neither the id nor the key
 * as an argument, because shells and systems keep arguments.
 */
export async function pseudonym(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sub: { type: 'string' },
      issuer: { type: 'string' },
      vars: { type: 'string' },
      data: { type: 'string', default: DEFAULT_DATA },
      json: { type: 'boolean', default: false },
    },
  })
  if (values.sub !== '-') {
    throw new UsageError(
      values.sub === undefined ? '--sub - is missing' : '--sub takes only "-": the id is read from stdin',
      `an argument ends up in the shell's history and in the list of processes, which are logs too: "${COMMAND} pseudonym --sub - < FILE", or type the id and end with Ctrl+D`,
    )
  }
  const { key, issuer } = readKeyAndIssuer(values)
  const name = await createPseudonymizer(key)('subject', issuer, await readId())
  await print(values.json ? JSON.stringify({ pseudonym: name, issuer }) : name)
}

interface PseudonymOptions {
  readonly issuer?: string | undefined
  readonly vars?: string | undefined
  readonly data: string
}

/**
 * Reads the key and the issuer of the subject, as the gate does that takes its key from the same place: the file, the
 * environment, or the data folder of `dev`.
 */
function readKeyAndIssuer({ issuer: requested, vars, data }: PseudonymOptions): {
  readonly key: string
  readonly issuer: string
} {
  const file = readVariables(vars === undefined ? {} : readVariablesFile(vars))
  const { PSEUDONYM_KEY, ISSUERS } = process.env
  // No log contains a pseudonym by the key of one gate and the issuer of another.
  const place = file.pseudonymKey !== '' ? file : readVariables({ PSEUDONYM_KEY, ISSUERS })
  const development = place.pseudonymKey === '' ? readDevelopmentSecrets(data) : undefined
  const key = development?.pseudonymKey ?? place.pseudonymKey
  if (key === '') {
    throw new UsageError(
      'PSEUDONYM_KEY is missing',
      `set it in the environment or in the file that --vars names, or name the --data DIR of "${COMMAND} dev"`,
    )
  }
  if (key.length < MIN_KEY_LENGTH) {
    throw new UsageError(
      `PSEUDONYM_KEY is shorter than ${MIN_KEY_LENGTH} characters`,
      'no gate accepts such a key, so the log was written with another one',
    )
  }
  const known = development === undefined ? place.issuers : issuersOfDev(file, development)
  const issuer = requested ?? (known.length === 1 ? known[0]?.issuer : undefined)
  if (typeof issuer !== 'string' || issuer === '') {
    throw new UsageError(
      '--issuer is missing: an id has a different pseudonym for each issuer',
      'name it as in the event, or as "iss" in the tokens; it may be left out if ISSUERS names only one',
    )
  }
  return { key, issuer }
}

/** Returns the issuers that `dev` trusts: those of the file that its --vars names, else its own. */
function issuersOfDev({ issuers }: VariableOptions, development: DevelopmentSecrets): readonly Issuer[] {
  return issuers.length > 0 ? issuers : [developmentIssuer(development)]
}

/** Reads an id from stdin, without the line break that follows it. */
async function readId(): Promise<string> {
  if (process.stdin.isTTY) say('Type the id, then Enter and Ctrl+D:')
  let input = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    input += chunk as string
    if (input.length > MAX_INPUT)
      throw new UsageError(`stdin contains more than ${MAX_INPUT} characters`, 'write one id to it')
  }
  const id = input.replace(/\r?\n$/, '')
  if (id === '' || /[\r\n]/.test(id)) {
    throw new UsageError(id === '' ? 'stdin is empty' : 'stdin contains several lines', 'write one id to it')
  }
  return id
}
