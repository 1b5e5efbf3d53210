import process from 'node:process'
import { signToken } from './development-issuer.ts'
import { UsageError } from './terminal.ts'

// How the commands talk to a gate.

/** Where `dev` keeps everything unless it is told otherwise. */
export const DATA = '.mediaward'
/** Where `dev` serves unless it is told otherwise. */
export const URL_HERE = 'http://127.0.0.1:8787'

/** The gate's own words for a refusal: problem details (RFC 9457). */
interface Problem {
  readonly title?: unknown
  readonly detail?: unknown
  readonly instance?: unknown
}

/**
 * The token that a command was given (or that stands in `MEDIAWARD_TOKEN`), else one of the development issuer.
 *
 * @throws UsageError where it is no token: it is never repeated
 */
export async function tokenFor(given: string | undefined, data: string, role: string): Promise<string> {
  const token = given ?? process.env.MEDIAWARD_TOKEN
  if (token === undefined) {
    return signToken(data, { subject: `development-${role}`, roles: [role], ttl: 12 * 3600, claims: {} })
  }
  if (!/^[A-Za-z0-9._~+/-]+=*$/.test(token))
    throw new UsageError('the token is none', 'give it without quotes and line ends')
  return token
}

/**
 * The gate's address.
 *
 * @throws UsageError where it is none, or holds a password
 */
export function gateAt(text: string): URL {
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol)) {
    throw new UsageError('--url is no address', `write it as ${URL_HERE}`)
  }
  const url = new URL(text)
  if (url.username !== '' || url.password !== '')
    throw new UsageError('--url holds a user', 'take it out: only a token opens')
  return url
}

/** Nothing answered, or the connection broke. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer'
  /** What the system calls it, as in `ECONNREFUSED`. */
  readonly why: string

  constructor(url: URL, cause: unknown) {
    const why = codeOf(cause)
    super(`nothing answers at ${url.origin} (${why}): start the gate, or name it with --url`, { cause })
    this.why = why
  }
}

/**
 * Sends a request to the gate.
 *
 * @throws NoAnswer
 */
export async function ask(url: URL, token: string, init: RequestInit = {}): Promise<Response> {
  const headers = { ...init.headers, Authorization: `Bearer ${token}` }
  try {
    return await fetch(url, { ...init, headers })
  } catch (error) {
    throw new NoAnswer(url, error)
  }
}

function codeOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? error.cause : undefined
  if (typeof cause !== 'object' || cause === null) return 'no connection'
  return String('code' in cause ? cause.code : 'message' in cause ? cause.message : cause)
}

/** What the gate says of a refusal, in words; the id is for whoever looks it up. */
export async function reasonOf(response: Response): Promise<string> {
  const problem = (await response.json().catch(() => ({}))) as Problem
  const detail = typeof problem.detail === 'string' ? `: ${problem.detail}` : ''
  const instance =
    typeof problem.instance === 'string' ? ` (event ${problem.instance.replace('urn:uuid:', '')})` : ''
  return `${response.status} ${String(problem.title ?? response.statusText)}${detail}${instance}`
}
