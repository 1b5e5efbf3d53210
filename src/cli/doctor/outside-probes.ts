import { readBody } from '../../base/bytes.ts'
import { attempt, type Failure } from '../../doctor/failure.ts'
import { PROBE_KEY } from '../../recordings/recording.ts'
import { systemErrorOf } from '../client.ts'

// What a client sees of a deployment. Every request here is one that any client can send, without a token.

/** An answer, as far as the checks look at it. */
export interface SeenAnswer {
  readonly status: number
  readonly headers: Headers
  /** The beginning of the body. */
  readonly body: string
}

/** An address that was asked. */
export interface Asked {
  readonly url: URL
  readonly answer: SeenAnswer | Failure
}

/** Most bytes of a body that are read. */
const MAX_BODY = 4096
/** How long a server may take, in milliseconds. */
const TIMEOUT = 10_000
/** As long as a token may be that the gate reads. */
const LONG_TOKEN = 16_000

/** A route of every gate. The gate answers a preflight of it to every client, and records none. */
export const ROUTE = '/console/api/doctor'

/** Asks a server. Follows no redirect. */
export function ask(url: URL, init: RequestInit = {}): Promise<SeenAnswer | Failure> {
  return attempt(async () => {
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT),
    })
    const bytes = await readBody(MAX_BODY, response)
    return {
      status: response.status,
      headers: response.headers,
      body: new TextDecoder().decode(bytes.subarray(0, MAX_BODY)),
    }
  }, describeError)
}

/** Names why there is no answer. */
const describeError = (error: unknown): string =>
  error instanceof Error && /^Time/.test(error.name)
    ? `no answer within ${TIMEOUT / 1000} s`
    : systemErrorOf(error)

/** Asks whether a gate answers at an origin. */
export async function askForGate(origin: URL): Promise<Asked> {
  return { url: origin, answer: await ask(new URL(ROUTE, origin), { method: 'OPTIONS' }) }
}

/** Asks whether a gate is ready. */
export const askReady = (origin: URL): Promise<SeenAnswer | Failure> => ask(new URL('/readyz', origin))

/** Sends a gate a token that is as long as it may be. */
export function sendLongToken(origin: URL): Promise<SeenAnswer | Failure> {
  const headers = { authorization: `Bearer ${'a'.repeat(LONG_TOKEN)}` }
  return ask(new URL(ROUTE, origin), { method: 'OPTIONS', headers })
}

/** Asks twice for a recording, without a token. A cache that keeps refusals has the second. */
export async function askForRefusal(origin: URL, path: string): Promise<readonly (SeenAnswer | Failure)[]> {
  const url = new URL(path, origin)
  return [await ask(url), await ask(url)]
}

/** Asks what may be a public address of the bucket for the object that the gate wrote, and for a list of the bucket. */
export async function askBucket(url: URL): Promise<Asked & { readonly list: SeenAnswer | Failure }> {
  const base = url.href.endsWith('/') ? url : new URL(`${url.href}/`)
  const [answer, list] = await Promise.all([
    ask(new URL(PROBE_KEY, base)),
    ask(new URL('?list-type=2&max-keys=1', base)),
  ])
  return { url, answer, list }
}
