import { readUpTo } from '../base/bytes.ts'
import type { Reason } from '../reason.ts'
import { Refusal } from '../refusal.ts'
import { RequestBody } from './request-body.ts'

/** The limits of a body that is read whole. */
export interface BodyLimits {
  /** Most bytes that are read. */
  readonly most: number
  /** The reason to refuse a body that is too long or has another form. */
  readonly invalid: Reason
  /** How long the whole body may take, in milliseconds. */
  readonly timeout: number
}

/**
 * Reads a JSON body within its limits. `JSON.parse` of V8 doesn't recurse, so no depth of nesting overflows the stack.
 */
export async function readJson(
  request: Request,
  limits: BodyLimits,
): Promise<{ readonly json: unknown } | Refusal> {
  const { invalid } = limits
  // A page of another origin can send any body without a preflight, but not with this type.
  if (!/^application\/json *(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    return new Refusal(invalid, 'Content-Type must be application/json')
  }
  const string = await readString(request, limits, 'JSON')
  if (string instanceof Refusal) return string
  try {
    return { json: JSON.parse(string) as unknown }
  } catch {
    return new Refusal(invalid, 'The body must be JSON in UTF-8')
  }
}

/** Reads the fields of a form within its limits. */
export async function readForm(request: Request, limits: BodyLimits): Promise<URLSearchParams | Refusal> {
  if (!/^application\/x-www-form-urlencoded *(;|$)/i.test(request.headers.get('content-type') ?? '')) {
    return new Refusal(limits.invalid, 'Content-Type must be application/x-www-form-urlencoded')
  }
  const string = await readString(request, limits, 'a form')
  return string instanceof Refusal ? string : new URLSearchParams(string)
}

async function readString(
  request: Request,
  { most, invalid, timeout }: BodyLimits,
  form: string,
): Promise<string | Refusal> {
  const body = RequestBody.within(timeout, request.body)
  const bytes = await readUpTo(most, body).catch(() =>
    body.isLate
      ? new Refusal('request_timeout', `The body must be sent within ${timeout / 1000} s: send it again`)
      : new Refusal(invalid, 'The body is incomplete: send it again'),
  )
  if (bytes instanceof Refusal) return bytes
  if (bytes.length > most) return new Refusal(invalid, `The body must be at most ${most} bytes long`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    return new Refusal(invalid, `The body must be ${form} in UTF-8`)
  }
}
