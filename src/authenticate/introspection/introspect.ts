import { readBody } from '../../base/bytes.ts'
import { Secret } from '../../base/secret.ts'
import { VERSION } from '../../ledger/event.ts'
import type { Claims } from '../claim-value.ts'
import { describeRedirect } from '../keys/fetch-keys.ts'
import { describeFetchError } from '../keys/key-fault.ts'
import { parseClaims } from '../parse-token.ts'
import type { Introspection } from './introspection.ts'

/** How an endpoint is called. */
export interface IntrospectOptions {
  /** The longest that a call may take, body included, in milliseconds. */
  readonly timeout: number
  /** The largest response that is read, in bytes. */
  readonly maxBytes: number
  readonly fetch: typeof globalThis.fetch
}

/** An endpoint gave no answer that can be used. The message is for the operator, and contains no secret. */
export class IntrospectionFailure extends Error {
  override readonly name = 'IntrospectionFailure'
  /** How to fix it. */
  readonly fix: string = INTROSPECTION_FIX
  /** How long the endpoint asks not to be called, in milliseconds. */
  readonly pause: number

  constructor(message: string, pause = 0) {
    super(message)
    this.pause = pause
  }
}

/** How to fix it if an issuer can't be asked about a token. */
export const INTROSPECTION_FIX = 'check "introspection", and that the gate can reach that server'

/**
 * Asks an issuer about a token (RFC 7662 2).
 *
 * @returns the claims of a token that is active, undefined for any other
 * @throws IntrospectionFailure if the issuer doesn't answer with what RFC 7662 2.2 requires
 */
export async function introspect(
  token: string,
  introspection: Introspection,
  { fetch, timeout, maxBytes }: IntrospectOptions,
): Promise<Claims | undefined> {
  try {
    // A redirect could lead anywhere, and would take the token there.
    const response = await fetch(introspection.url, {
      ...requestOf(token, introspection),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeout),
    })
    const bytes = await readBody(maxBytes, response)
    if (bytes.length > maxBytes) throw new IntrospectionFailure(`an answer of over ${maxBytes} bytes`)
    const answer = parseClaims(bytes)
    if (response.status === 200) return activeClaims(answer)
    throw new IntrospectionFailure(describeStatus(response, answer?.error, introspection), pauseOf(response))
  } catch (error) {
    if (error instanceof IntrospectionFailure) throw error
    throw new IntrospectionFailure(describeFetchError(error))
  }
}

/** Only the boolean true permits. Anything but true or false is no answer, so the token isn't blamed for it. */
function activeClaims(answer: Claims | undefined): Claims | undefined {
  if (answer === undefined) throw new IntrospectionFailure('an answer that is not a JSON object')
  if (typeof answer.active !== 'boolean') {
    throw new IntrospectionFailure('an answer whose member "active" is neither true nor false')
  }
  return answer.active ? answer : undefined
}

function requestOf(token: string, { client_id, client_secret, method }: Introspection): RequestInit {
  const secret = Secret.of(client_secret).reveal()
  const inBody = method === 'client_secret_post'
  return {
    method: 'POST',
    headers: {
      Accept: 'application/json',
      'Content-Type': 'application/x-www-form-urlencoded',
      // Workers send none by themselves, and common firewalls answer 403 without one.
      'User-Agent': `mediaward/${VERSION}`,
      ...(!inBody && { Authorization: `Basic ${btoa(`${formEncoded(client_id)}:${formEncoded(secret)}`)}` }),
    },
    // The hint doesn't keep a server from looking among its other tokens too.
    body: new URLSearchParams({
      token,
      token_type_hint: 'access_token',
      ...(inBody && { client_id, client_secret: secret }),
    }).toString(),
  }
}

/** In seconds. Bounded: a mistake of the endpoint must not lock viewers out for hours. */
const MAX_PAUSE = 10

/** Returns for how many milliseconds an overloaded endpoint wants no call (RFC 6585 4, RFC 9110 10.2.3): a second or more. */
function pauseOf({ status, headers }: Response): number {
  if (status !== 429 && status !== 503) return 0
  const seconds = Number(headers.get('retry-after'))
  return 1000 * Math.min(Math.max(Number.isNaN(seconds) ? MAX_PAUSE : seconds, 1), MAX_PAUSE)
}

/** Encodes a string as RFC 6749 2.3.1 and appendix B say, which also makes it ASCII. */
const formEncoded = (value: string): string => new URLSearchParams([[value, '']]).toString().slice(0, -1)

/** An error code of OAuth (RFC 6749 5.2). Another string may contain anything. */
const ERROR = /^[a-z_]{1,32}$/

function describeStatus(
  response: Response,
  error: unknown,
  { url, client_id, method = 'client_secret_basic' }: Introspection,
): string {
  const { status } = response
  const code = typeof error === 'string' && ERROR.test(error) ? ` ${error}` : ''
  if (status === 401 || code === ' invalid_client') {
    return `status ${status}${code}, so it doesn't accept the gate as the client ${JSON.stringify(client_id)}: check client_id, client_secret and method (${method})`
  }
  return `status ${status}${code}${describeRedirect(response, url)}`
}
