import process from 'node:process'
import { parseArgs } from 'node:util'
import { readVariables } from '../config/variables.ts'
import { createPseudonymizer, MIN_KEY_LENGTH } from '../ledger/pseudonym.ts'
import { DATA } from './client.ts'
import { developmentIssuer, readDevelopment } from './development-issuer.ts'
import { COMMAND } from './own-file.ts'
import { print, say, UsageError } from './terminal.ts'
import { readVariablesFile } from './variables-file.ts'

/** Ids are short; whatever is longer was meant for something else. In characters. */
const MAX_ID = 1024

/** `mediaward pseudonym`: what a person is called in the log. Neither the id nor the key is ever an argument. */
export async function pseudonym(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      sub: { type: 'string' },
      issuer: { type: 'string' },
      vars: { type: 'string' },
      data: { type: 'string', default: DATA },
      json: { type: 'boolean', default: false },
    },
  })
  if (values.sub !== '-') {
    throw new UsageError(
      values.sub === undefined
        ? '--sub - is missing'
        : '--sub takes nothing but "-": the id is read from stdin',
      `an argument ends up in the shell's history and in the list of processes, which are logs too: "${COMMAND} pseudonym --sub - < FILE", or type the id and end with Ctrl+D`,
    )
  }
  const { key, issuer } = namesFor(values)
  const name = await createPseudonymizer(key)('subject', issuer, await readId())
  await print(values.json ? JSON.stringify({ pseudonym: name, issuer }) : name)
}

interface Asked {
  readonly issuer?: string | undefined
  readonly vars?: string | undefined
  readonly data: string
}

/** The key, and the issuer whose subject it is: from where a gate would have them, started in the same way. */
function namesFor({ issuer: asked, vars, data }: Asked): { readonly key: string; readonly issuer: string } {
  const given = vars === undefined ? {} : readVariablesFile(vars)
  const { PSEUDONYM_KEY, ISSUERS } = process.env
  const { pseudonymKey, issuers } = readVariables({ PSEUDONYM_KEY, ISSUERS, ...given })
  const development = pseudonymKey === '' ? readDevelopment(data) : undefined
  const key = development?.pseudonymKey ?? pseudonymKey
  if (key === '') {
    throw new UsageError(
      'PSEUDONYM_KEY is missing',
      `set it in the environment or in the file that --vars names, or name the --data DIR of "${COMMAND} dev"`,
    )
  }
  if (key.length < MIN_KEY_LENGTH) {
    throw new UsageError(
      `PSEUDONYM_KEY is shorter than ${MIN_KEY_LENGTH} characters`,
      'no gate takes such a key: this is not the one that the log was written with',
    )
  }
  const known =
    issuers.length > 0 ? issuers : development === undefined ? [] : [developmentIssuer(development)]
  const issuer = asked ?? (known.length === 1 ? known[0]?.issuer : undefined)
  if (typeof issuer !== 'string' || issuer === '') {
    throw new UsageError(
      '--issuer is missing: the same id has another pseudonym with every issuer',
      'name it as in the record, or as "iss" in the tokens; ISSUERS with a single issuer does so too',
    )
  }
  return { key, issuer }
}

/** Reads an id. A line end after it belongs to the terminal, and not to the id. */
async function readId(): Promise<string> {
  if (process.stdin.isTTY) say('Type the id, then Enter and Ctrl+D:')
  let text = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    text += chunk as string
    if (text.length > MAX_ID)
      throw new UsageError(`stdin holds more than ${MAX_ID} characters`, 'write one id to it')
  }
  const id = text.replace(/\r?\n$/, '')
  if (id === '' || /[\r\n]/.test(id)) {
    throw new UsageError(id === '' ? 'stdin is empty' : 'stdin holds several lines', 'write one id to it')
  }
  return id
}
