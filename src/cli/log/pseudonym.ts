import process from 'node:process'
import type { Issuer } from '../../authenticate/issuer.ts'
import { createInlineKeys } from '../../authenticate/keys/key-source.ts'
import { TrustedIssuers } from '../../authenticate/trusted-issuers.ts'
import { readVariables } from '../../config/variables.ts'
import { createPseudonyms, MIN_KEY_LENGTH, type PseudonymKeys } from '../../ledger/pseudonym.ts'
import { type Command, createCommand, type TextOption } from '../../runtime/node/command.ts'
import { DATA_OPTION } from '../client.ts'
import { developmentIssuer, readDevelopmentSecrets } from '../development-issuer.ts'
import { COMMAND, print, say, UsageError } from '../terminal.ts'
import { readVariablesFile } from '../variables-file.ts'

/** The longest id that is read, in characters. Longer input was meant for another program. */
const MAX_INPUT = 1024

/** Where the commands look for the key of pseudonyms, and for the issuer of a person. */
export const KEY_OPTIONS: Readonly<Record<'issuer' | 'vars', TextOption>> = {
  issuer: {
    type: 'string',
    value: 'ISSUER',
    about: "The issuer of the person's tokens. It may be left out if there is only one.",
  },
  vars: {
    type: 'string',
    value: 'FILE',
    about: 'A file of variables with PSEUDONYM_KEY and ISSUERS. Without it, they come from the environment.',
  },
}

/**
 * `mediaward pseudonym`: prints the pseudonym of a person in the log; if `PSEUDONYM_KEY` has several keys, the one under each,
 * in their order. Takes neither the id nor a key as an argument, because shells and systems keep arguments.
 */
export const pseudonym: Command = createCommand({
  usage: 'mediaward pseudonym --sub -',
  summary: 'Prints the pseudonym of a person in the log, under each key.',
  options: {
    sub: { type: 'string', value: '-', about: "The person's id, which is read from stdin: always -." },
    ...KEY_OPTIONS,
    json: {
      type: 'boolean',
      default: false,
      about: 'Print one JSON line, with the issuer: "pseudonym" is the first of "pseudonyms".',
    },
    data: {
      ...DATA_OPTION.data,
      about: 'The data folder of "dev", which has a key if neither the file nor the environment has one.',
    },
  },
  example: `${COMMAND} pseudonym --sub - < patient.txt`,

  async run(values) {
    if (values.sub !== '-') {
      throw new UsageError(
        values.sub === undefined ? '--sub - is missing' : '--sub takes only "-": the id is read from stdin',
        `an argument ends up in the shell's history and in the list of processes, which are logs too: "${COMMAND} pseudonym --sub - < FILE", or type the id and end with Ctrl+D`,
      )
    }
    const place = readKey(values) ?? readKeyOfDev(values)
    if (place === undefined) {
      throw new UsageError(
        'PSEUDONYM_KEY is missing',
        `set it in the environment or in the file that --vars names, or name the --data DIR of "${COMMAND} dev". Without the key, "${COMMAND} findings show ID" prints whole pseudonyms, and "${COMMAND} log --subject -" has the gate make that of an id: its records have it, with --wide whole`,
      )
    }
    const issuer = issuerOf(place, values.issuer)
    const pseudonyms = await pseudonymsIn(place, issuer, await readId())
    const [pseudonym] = pseudonyms
    if (values.json) return print(JSON.stringify({ pseudonym, pseudonyms, issuer }))
    for (const [index, one] of pseudonyms.entries()) await print(lineOf(one, index, pseudonyms.length))
  },
})

/** One key makes one line that a script can use as it is. Of several, each is beside the place of its key. */
const lineOf = (pseudonym: string, index: number, count: number): string =>
  count === 1 ? pseudonym : `${pseudonym}  key ${index + 1}${index === 0 ? ', writes' : ''}`

/** The keys of pseudonyms, and the issuers that are set in the same place: no log has the ones with other issuers. */
export interface KeyPlace {
  readonly keys: PseudonymKeys
  readonly issuers: readonly Issuer[]
}

/**
 * Reads the keys as a gate does that takes its variables from the same place: the file of `--vars`, else the environment.
 *
 * @returns undefined if neither has one
 * @throws UsageError if no gate would accept one of them
 */
export function readKey({ vars }: { readonly vars?: string | undefined }): KeyPlace | undefined {
  const file = readVariables(vars === undefined ? {} : readVariablesFile(vars))
  const { PSEUDONYM_KEY, ISSUERS } = process.env
  const { pseudonymKey: keys, issuers } =
    file.pseudonymKey.length > 0 ? file : readVariables({ PSEUDONYM_KEY, ISSUERS })
  if (keys.length === 0) return undefined
  if (keys.some(key => key.length < MIN_KEY_LENGTH)) {
    throw new UsageError(
      `PSEUDONYM_KEY ${keys.length === 1 ? 'is' : 'has a key'} shorter than ${MIN_KEY_LENGTH} characters`,
      'no gate accepts such a key, so the log was written with another one',
    )
  }
  return { keys, issuers }
}

/** Reads the key of the development gate. It trusts the issuers of the file that its --vars names, else its own. */
function readKeyOfDev({
  vars,
  data,
}: {
  readonly vars?: string
  readonly data: string
}): KeyPlace | undefined {
  const development = readDevelopmentSecrets(data)
  if (development === undefined) return undefined
  const { issuers } = readVariables(vars === undefined ? {} : readVariablesFile(vars))
  const trusted = issuers.length > 0 ? issuers : [developmentIssuer(development)]
  return { keys: development.pseudonymKey, issuers: trusted }
}

/** Returns the pseudonyms of a person, as the gate of the place writes and wrote them, in the order of its keys. */
export function pseudonymsIn(
  { keys, issuers }: KeyPlace,
  issuer: string,
  id: string,
): Promise<readonly string[]> {
  const trusted = trustedIssuers(issuers)
  const nameSpace = trusted.nameSpaceOf(issuer) ?? issuer
  return createPseudonyms(keys)('subject', nameSpace, trusted.ownerId(issuer, id))
}

/** What the gate knows of the issuers. Their keys don't matter here. */
const trustedIssuers = (issuers: readonly Issuer[]): TrustedIssuers =>
  new TrustedIssuers(issuers, () => createInlineKeys({ keys: [] }))

/**
 * Returns the issuer of a person: the one given, else the only one whose subjects can be owners.
 *
 * @throws UsageError if it isn't given, and there isn't only one; or if the gate trusts others
 */
export function issuerOf({ issuers }: KeyPlace, given: string | undefined): string {
  const trusted = trustedIssuers(issuers)
  const [only, another] = trusted.owning
  const issuer = given ?? (another === undefined ? only : undefined)
  if (issuer !== undefined && issuer !== '') {
    // By the id with another issuer the person would be found nowhere, which would seem to prove something.
    if (issuers.length === 0 || trusted.nameSpaceOf(issuer) !== undefined) return issuer
    throw new UsageError(
      '--issuer is not one that ISSUERS names',
      'name it to the letter, or the name of an entry with "owns": false',
    )
  }
  throw new UsageError(
    '--issuer is missing: an id has a different pseudonym for each issuer',
    'name it as in the event, or as "iss" in the tokens; it may be left out if ISSUERS names only one',
  )
}

/**
 * Reads an id from stdin, without the line break that follows it.
 *
 * @throws UsageError if stdin contains anything else than one line
 */
export async function readId(): Promise<string> {
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
