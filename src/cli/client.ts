import process from 'node:process'
import type { ConsoleAction } from '../authorize/decision.ts'
import { rolesFor } from '../authorize/rules/role.ts'
import type { DefaultedOption, TextOption } from '../runtime/node/command.ts'
import { isCurrentDevelopmentToken, readDevelopmentSecrets, signToken } from './development-issuer.ts'
import { stringMember } from './json.ts'
import { COMMAND, UsageError } from './terminal.ts'

// How the commands talk to a gate.

/** The data folder of `dev`, by default. */
export const DEFAULT_DATA = '.mediaward'
/** The address of `dev`, by default. */
export const DEFAULT_URL = 'http://127.0.0.1:8787'

/** The option of each command that reads the data folder of `dev`. */
export const DATA_OPTION: Readonly<Record<'data', DefaultedOption>> = {
  data: {
    type: 'string',
    value: 'DIR',
    default: DEFAULT_DATA,
    about: 'The data folder of "dev", with its development issuer.',
  },
}

/** The options of each command that calls a gate. */
export const GATE_OPTIONS: Readonly<Record<'url' | 'data', DefaultedOption> & Record<'token', TextOption>> = {
  url: { type: 'string', value: 'URL', default: DEFAULT_URL, about: 'The origin of the gate.' },
  token: {
    type: 'string',
    value: 'TOKEN',
    about:
      'The token to send. Without it, the variable MEDIAWARD_TOKEN has it, or else the development issuer signs one.',
  },
  ...DATA_OPTION,
}

const NEW_TOKEN = 'get a new token. If it is refused, too, the console of the gate says why'
/** The variable comes first, because systems list the arguments of each process. */
const NAME_A_TOKEN = 'name one with MEDIAWARD_TOKEN or --token'

/**
 * Returns the token to send: the one given, else the one of the variable `MEDIAWARD_TOKEN`, else a new token of the
 * development issuer with a role.
 *
 * @throws UsageError if it isn't a token, or there is none. The message doesn't repeat it.
 */
export async function tokenFor(given: string | undefined, data: string, role: string): Promise<string> {
  const token = given ?? process.env.MEDIAWARD_TOKEN
  if (token === undefined) {
    if (readDevelopmentSecrets(data) === undefined) {
      throw new UsageError(
        'there is no token to send',
        `${NAME_A_TOKEN}. For a gate of "${COMMAND} dev", start that first, or name its --data DIR`,
      )
    }
    return signToken(data, { subject: `development-${role}`, roles: [role], ttl: 12 * 3600, claims: {} })
  }
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token)) {
    throw new UsageError('the token is not a bearer token', 'write it without quotes and line breaks')
  }
  return token
}

/**
 * Parses the address of a gate.
 *
 * @throws UsageError if it isn't the origin of an HTTP URL
 */
export function parseGateUrl(address: string): URL {
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    throw new UsageError('--url is not an HTTP URL', `write it as in ${DEFAULT_URL}`)
  }
  const url = new URL(address)
  if (url.username !== '' || url.password !== '') {
    throw new UsageError('--url contains a user or password', 'remove it: the gate accepts only a token')
  }
  if (url.href !== `${url.origin}/`) {
    throw new UsageError(
      '--url contains a path, a query or a fragment',
      `write it as in ${DEFAULT_URL}; "put" takes the path as --prefix`,
    )
  }
  return url
}

/** Thrown if a gate does not answer, or the connection breaks. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable'
  /** The system's name for the cause, as in `ECONNREFUSED`. */
  readonly summary: string

  constructor(url: URL, cause: unknown) {
    const summary = systemErrorOf(cause)
    super(`nothing answers at ${url.origin} (${summary}): start the gate, or name it with --url`, { cause })
    this.summary = summary
  }
}

/**
 * Sends a request to a gate.
 *
 * @throws Unreachable
 * @throws UsageError if the gate doesn't trust the development issuer, whose token was sent
 */
export async function requestGate(url: URL, token: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...init.headers, Authorization: `Bearer ${token}` }
  const response = await fetch(url, { ...init, headers }).catch((error: unknown) => {
    throw new Unreachable(url, error)
  })
  // Such a token is sent if the user names none. A new one of that issuer would be refused, too.
  if (response.status === 401 && isCurrentDevelopmentToken(token)) {
    throw new UsageError(
      `the gate refused: ${await describeRefusal(response)}`,
      `the token of "dev" was sent, and this gate doesn't trust it: ${NAME_A_TOKEN}, or name the --data DIR of this gate's "dev"`,
    )
  }
  return response
}

/**
 * Makes sure that the gate answered a call.
 *
 * @param action what the call is, which says the roles that may do it
 * @throws UsageError if the call is refused; Error if the gate failed
 */
export async function requireAnswer(response: Response, action: ConsoleAction): Promise<Response> {
  if (response.ok) return response
  const refusal = await describeRefusal(response)
  if (response.status === 400) throw new UsageError(`the gate refused: ${refusal}`)
  if ([401, 403, 404].includes(response.status)) {
    const hint = response.status === 401 ? NEW_TOKEN : `the token needs the role ${namesOf(action)}`
    throw new UsageError(`the gate refused: ${refusal}`, hint)
  }
  throw new Error(`the gate answered ${refusal}`)
}

/** As in `"viewer", "analyst" or "security"`. */
function namesOf(action: ConsoleAction): string {
  const [last, ...others] = rolesFor(action).map(role => `"${role}"`)
  return others.length === 0 ? `${last}` : `${others.toReversed().join(', ')} or ${last}`
}

/** Names why a connection failed. `fetch` hides the system's error in `cause`. */
export function systemErrorOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined
  return stringMember(cause, 'code') ?? (cause instanceof Error ? cause.message : 'no connection')
}

/** Describes a refusal from its problem details (RFC 9457), with the id of its event, by which operators find it. */
export async function describeRefusal(response: Response): Promise<string> {
  const problem: unknown = await response.json().catch(() => undefined)
  const title = stringMember(problem, 'title') ?? response.statusText
  const detail = stringMember(problem, 'detail')
  const event = stringMember(problem, 'instance')?.replace('urn:uuid:', '')
  return [
    `${response.status} ${title}`,
    detail === undefined ? '' : `: ${detail}`,
    event === undefined ? '' : ` (event ${event})`,
  ].join('')
}
