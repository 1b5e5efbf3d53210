import { describeRefusal, requestGate, Unreachable } from '../client.ts'
import { parseJson } from '../json.ts'
import type { UploadProgress } from '../progress.ts'
import { FileBody, type FileContent } from './source-file.ts'

/** A request to the gate. */
export interface UploadRequest<Answer> {
  /** The file that it stores, for messages. */
  readonly about: string
  readonly method: 'PUT' | 'POST' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly content?: FileContent
  /** Checks the JSON of a successful answer, which is null if it has none. Returns undefined if no gate answers so. */
  readonly parse: (json: unknown) => Answer | undefined
}

/** What every request of an upload needs. */
export interface GateConnection {
  readonly token: string
  /** Headers that name the owner of the recording. */
  readonly ownerHeaders: Readonly<Record<string, string>>
  readonly progress: UploadProgress
  /** Ends every request, with its reason. */
  readonly signal: AbortSignal
}

/** Thrown if the gate refused a request. */
export class GateRefusal extends Error {
  override readonly name = 'GateRefusal'
  readonly status: number
  /** What the gate answered, without the name of the file. */
  readonly summary: string
  /** How many times the request was sent. */
  readonly attempts: number

  constructor(about: string, status: number, summary: string, attempts: number) {
    super(`${about} was not stored: ${summary}`)
    this.status = status
    this.summary = summary
    this.attempts = attempts
  }
}

/** The outcome of an attempt that failed, when another attempt may succeed. */
export class RetryableFailure {
  readonly error: GateRefusal | Unreachable
  /** The header `Retry-After` of the answer. */
  readonly retryAfter: string | null
  constructor(error: GateRefusal | Unreachable, retryAfter: string | null = null) {
    this.error = error
    this.retryAfter = retryAfter
  }
}

/**
 * Sends a request once.
 *
 * @param attempts how many times it has been sent, this time included
 * @throws GateRefusal if another attempt would be refused too
 * @throws SourceChanged
 */
export async function sendOnce<Answer>(
  request: UploadRequest<Answer>,
  connection: GateConnection,
  attempts: number,
): Promise<Answer | RetryableFailure> {
  const { method, url, json, content } = request
  const { token, ownerHeaders, progress, signal } = connection
  signal.throwIfAborted()
  const body = content && new FileBody(content, bytes => progress.add(bytes))
  try {
    const response = await requestGate(url, token, {
      method,
      headers: { ...ownerHeaders, ...contentHeaders(request), ...request.headers },
      // Following a redirect would send a patient's recording, and the token, to a server that the user did not name.
      redirect: 'manual',
      signal,
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(body && { body: body.stream(), duplex: 'half' as const }),
    })
    if (response.ok) return await readAnswer(response, request)
    const failure = await readRefusal(response, request, attempts)
    body?.uncount()
    return failure
  } catch (error) {
    body?.uncount()
    // To `fetch`, an aborted request and a file that changed both look like a broken connection.
    signal.throwIfAborted()
    if (body?.error !== undefined) throw body.error
    if (error instanceof Unreachable) return new RetryableFailure(error)
    throw error
  } finally {
    await body?.close()
  }
}

function contentHeaders({ content, json }: UploadRequest<unknown>): Record<string, string> {
  if (content !== undefined) {
    return {
      'Content-Length': String(content.range.size),
      // RFC 9530 2: the gate refuses bytes that were damaged on the way.
      'Content-Digest': `sha-256=:${content.sha256}:`,
    }
  }
  return json === undefined ? {} : { 'Content-Type': 'application/json' }
}

/** @throws Error if no gate answers so: the page of a proxy, or of a login before the network, must not pass for one */
async function readAnswer<Answer>(
  response: Response,
  { about, url, parse }: UploadRequest<Answer>,
): Promise<Answer> {
  const body = await response.text().catch((error: unknown) => {
    throw new Unreachable(url, error)
  })
  const answer = parse(parseJson(body) ?? null)
  if (answer === undefined) {
    throw new Error(`${about} was not stored: the server at ${url.origin} is not a gate`)
  }
  return answer
}

/** Answers that ask the client to come back later (RFC 9110 15.5.9 and 15.6, RFC 6585 4). */
const RETRYABLE_STATUSES: ReadonlySet<number> = new Set([408, 429, 502, 503, 504])

/** How the gate says that the bytes did not arrive as they were announced. */
const DAMAGED = /\b(?:digest|again)\b/i

/** @throws GateRefusal if another attempt would be refused too */
async function readRefusal(
  response: Response,
  { about, content }: UploadRequest<unknown>,
  attempts: number,
): Promise<RetryableFailure> {
  const { status, headers } = response
  const summary = await describeRefusal(response)
  const error = new GateRefusal(about, status, summary + hintFor(response), attempts)
  if (RETRYABLE_STATUSES.has(status)) return new RetryableFailure(error, headers.get('retry-after'))
  if (content !== undefined && status === 400 && DAMAGED.test(summary)) return new RetryableFailure(error)
  throw error
}

function hintFor({ status, headers }: Response): string {
  const location = headers.get('location') ?? ''
  // Only the origin: the rest may hold a secret.
  if (status >= 300 && status < 400 && URL.canParse(location))
    return `: the gate is at ${new URL(location).origin}`
  if (status === 413) return ': a proxy in front of the gate must accept bodies of 32 MiB'
  if (status === 404) return ': the token needs the role "recorder", and the gate must serve that path'
  if (status === 401)
    return ': get a new token, and run the same command again. If it is refused, too, the console of the gate says why'
  return ''
}
