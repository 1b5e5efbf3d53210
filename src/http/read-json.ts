import { readUpTo } from '../base/bytes.ts'
import type { Reason } from '../reason.ts'
import { Refusal } from '../refusal.ts'
import { RequestBody } from './request-body.ts'

/** The limits of a JSON body. */
export interface JsonLimits {
  /** Most bytes that are read. */
  readonly most: number
  /** The reason to refuse a body that is too long or isn't JSON. */
  readonly invalid: Reason
  /** How long the whole body may take, in milliseconds. */
  readonly timeout: number
}

/**
 * Reads a JSON body within its limits. `JSON.parse` of V8 doesn't recurse, so no depth of nesting overflows the stack.
 */
export async function readJson(
  request: Request,
  { most, invalid, timeout }: JsonLimits,
): Promise<{ readonly json: unknown } | Refusal> {
  // A page of another origin can send any body without a preflight, but not with this type.
  if (!/^application\/json *(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    return new Refusal(invalid, 'Content-Type must be application/json')
  }
  const body = RequestBody.within(timeout, request.body)
  const bytes = await readUpTo(most, body).catch(() =>
    body.isLate
      ? new Refusal('request_timeout', `The body must be sent within ${timeout / 1000} s: send it again`)
      : new Refusal(invalid, 'The body is incomplete: send it again'),
  )
  if (bytes instanceof Refusal) return bytes
  if (bytes.length > most) return new Refusal(invalid, `The body must be at most ${most} bytes long`)
  try {
    const json = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
    return { json: JSON.parse(json) as unknown }
  } catch {
    return new Refusal(invalid, 'The body must be JSON in UTF-8')
  }
}
