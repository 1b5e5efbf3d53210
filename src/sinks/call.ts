import { describeError } from '../authenticate/keys/key-fault.ts'
import { readBody } from '../base/bytes.ts'
import { DeliveryFailure } from '../follow/delivery.ts'
import { VERSION } from '../ledger/event.ts'

/** A call of a sink. */
export interface SinkRequest {
  readonly method: 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly signal: AbortSignal
}

/**
 * Port: calls a sink over HTTP. Never follows a redirect. Rejects if the sink can't be reached; with a
 * {@link DeliveryFailure} if it may not be called, as its address is an internal one.
 */
export type SinkFetch = (url: string, request: SinkRequest) => Promise<Response>

/** What calls of a sink take. */
export interface SinkCaller {
  readonly fetch: SinkFetch
  readonly now: () => number
}

/** The longest that a call may take, its answer included, in milliseconds. */
const PATIENCE = 30_000
/** The largest answer that is read, in bytes: Elastic answers each record. */
const MAX_ANSWER = 1024 * 1024

/**
 * Calls a sink.
 *
 * @returns its answer if that is JSON, and undefined if it is anything else
 * @throws DeliveryFailure
 */
export async function callSink(
  { fetch, now }: SinkCaller,
  url: string,
  { headers, body }: Pick<SinkRequest, 'headers' | 'body'>,
): Promise<unknown> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      // Workers send no User-Agent by themselves, and common firewalls answer 403 without one.
      headers: { 'User-Agent': `mediaward/${VERSION}`, ...headers },
      body,
      signal: AbortSignal.timeout(PATIENCE),
    })
    const bytes = await readBody(MAX_ANSWER, response)
    if (!response.ok) throw failureOf(response, now)
    return parse(new TextDecoder().decode(bytes))
  } catch (error) {
    if (error instanceof DeliveryFailure) throw error
    // Its message may quote a header, and with it the secret.
    throw new DeliveryFailure('unavailable', `no answer (${describeError(error)})`)
  }
}

function failureOf({ status, headers }: Response, now: () => number): DeliveryFailure {
  if (status === 408 || status === 429 || status >= 500) {
    return new DeliveryFailure('unavailable', `status ${status}`, retryAfter(headers.get('retry-after'), now))
  }
  const kind = [400, 413, 422].includes(status) ? 'refused' : 'misconfigured'
  return new DeliveryFailure(kind, `status ${status}${adviceOn(status)}`)
}

function adviceOn(status: number): string {
  if (status === 401 || status === 403) return ': check the secret, and what it may do'
  if (status < 400) return ': redirects are not followed, so "url" must be the address that it leads to'
  return status === 404 || status === 405 || status === 410 ? ': check "url"' : ''
}

/** Reads a Retry-After (RFC 9110 10.2.3): seconds or a date. In milliseconds. */
function retryAfter(value: string | null, now: () => number): number {
  const milliseconds = /^\d+$/.test(value ?? '') ? Number(value) * 1000 : Date.parse(value ?? '') - now()
  return milliseconds > 0 ? milliseconds : 0
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
