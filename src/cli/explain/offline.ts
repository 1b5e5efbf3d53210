import { readFileSync } from 'node:fs'
import process from 'node:process'
import type { Issuer } from '../../authenticate/issuer.ts'
import { resolveOptions } from '../../config/check-options.ts'
import { readVariables, type Variables } from '../../config/variables.ts'
import { explain } from '../../explain/explain.ts'
import type { Explanation } from '../../explain/explanation.ts'
import { attemptOf, createOfflinePlay, type Question } from '../../explain/question.ts'
import { createMemoryControl, createMemoryLedger, createMemoryStore } from '../../runtime/memory/index.ts'
import { createServices } from '../../services.ts'
import { developmentIssuer, readDevelopmentSecrets } from '../development-issuer.ts'
import { parseJson } from '../json.ts'
import { COMMAND, UsageError } from '../terminal.ts'
import { readVariablesFile } from '../variables-file.ts'

/** A configuration to explain a token by, without a gate. */
export interface OfflineInput {
  /** A file of variables. Without it, the environment counts. */
  readonly vars?: string | undefined
  /** A file with the keys of the token's issuer. Without it, they are fetched as the gate would. */
  readonly jwks?: string | undefined
  /** The data folder of `dev`, whose issuer counts if no ISSUERS are set. */
  readonly data: string
  /** Whether the subject's id is printed as it is. */
  readonly showIds: boolean
}

type Keys = NonNullable<Issuer['jwks']>

/** No record is written, so no pseudonym is made with it. */
const UNUSED_KEY = 'explaining writes no record and makes no pseudonym'
/** Characters of an id that are shown by default, at its end. */
const SHOWN_OF_ID = 4

/**
 * Explains what a gate with this configuration would make of a token. Looks at no recording, and records nothing.
 *
 * @throws ConfigurationError if such a gate would not start
 */
export async function explainOffline(question: Question, input: OfflineInput): Promise<Explanation> {
  const {
    ledgerShards: _,
    ledgerJurisdiction: __,
    ...options
  } = readVariables({ PSEUDONYM_KEY: UNUSED_KEY, ...variablesFor(input) })
  const keys = input.jwks === undefined ? undefined : readKeys(input.jwks)
  const services = createServices(
    resolveOptions({
      ...options,
      issuers: keys === undefined ? options.issuers : options.issuers.map(issuer => withKeys(issuer, keys)),
      store: createMemoryStore(),
      ledger: createMemoryLedger(),
      control: createMemoryControl(),
    }),
  )
  const { explanation } = await explain(question, {
    attempt: attemptOf(question, services, createOfflinePlay(services)),
    entries: services.issuers.entries,
    concealedStatus: services.concealedStatus,
    isOffline: true,
    waitUntil: () => {},
    now: services.now,
    locations: services.locations,
    nameOf: id => (input.showIds ? JSON.stringify(id) : maskedId(id)),
  })
  return explanation
}

function variablesFor({ vars, data }: OfflineInput): Variables {
  const given: Variables = vars === undefined ? process.env : readVariablesFile(vars)
  if (given.ISSUERS !== undefined) return given
  const development = readDevelopmentSecrets(data)
  if (development !== undefined)
    return { ...given, ISSUERS: JSON.stringify([developmentIssuer(development)]) }
  throw new UsageError(
    'ISSUERS is missing',
    `set it in the environment or in the file that --vars names, or name the --data DIR of "${COMMAND} dev"`,
  )
}

function readKeys(file: string): Keys {
  let json: string
  try {
    json = readFileSync(file, 'utf8')
  } catch {
    throw new UsageError(`${file} can't be read`, '--jwks names a file with a JWK set')
  }
  const keys = parseJson(json)
  if (typeof keys !== 'object' || keys === null) {
    throw new UsageError(`${file} is not JSON`, '--jwks names a file with a JWK set')
  }
  return keys as Keys
}

/** Replaces the keys of an issuer. */
function withKeys(issuer: Issuer, jwks: Keys): Issuer {
  const { jwks_uri: _, discovery: __, ...rest } = issuer
  return { ...rest, jwks }
}

/** Shows the end of an id, which distinguishes two people. Terminals are recorded and shared. */
function maskedId(id: string): string {
  const end = id.length > 2 * SHOWN_OF_ID ? id.slice(-SHOWN_OF_ID) : ''
  return `"…${end}" (${id.length} characters; --show-ids shows all)`
}
