import type { Reason } from '../reason.ts'
import { Refusal } from '../refusal.ts'
import { type BodyTimeouts, joined, RequestBody } from './request-body.ts'

/** What a JSON body may be like. */
export interface JsonLimits {
  /** Most bytes that the body may have. */
  readonly most: number
  /** The reason for which a body is refused that isn't JSON, or is too long. */
  readonly invalid: Reason
  readonly timeouts: BodyTimeouts | undefined
}

/**
 * Reads JSON, not more of it than a call may have, and for no longer than it may take. `JSON.parse` of V8 doesn't
 * recurse, so that no depth of nesting overflows a stack.
 */
export async function readJson(
  request: Request,
  { most, invalid, timeouts: { json: timeout = 10_000 } = {} }: JsonLimits,
): Promise<{ readonly json: unknown } | Refusal> {
  // A page of another origin can send any text unasked, but not as this type: that takes a preflight.
  if (!/^application\/json *(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    return new Refusal(invalid, 'Content-Type must be application/json')
  }
  const body = RequestBody.within(timeout, request.body)
  const bytes = await bytesOf(body, most).catch(() =>
    body.isLate
      ? new Refusal('request_timeout', `The body must be sent within ${timeout / 1000} s: send it again`)
      : new Refusal(invalid, 'The body broke off: send it again'),
  )
  if (bytes === undefined) return new Refusal(invalid, `The body must be at most ${most} bytes long`)
  if (bytes instanceof Refusal) return bytes
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
    return { json: JSON.parse(text) as unknown }
  } catch {
    return new Refusal(invalid, 'The body must be JSON, in UTF-8')
  }
}

/** What Content-Length says may be missing: what comes is counted. */
async function bytesOf(body: RequestBody, most: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    // Leaving the loop cancels the body.
    if (size > most) return undefined
    chunks.push(chunk)
  }
  return joined(chunks, size)
}
