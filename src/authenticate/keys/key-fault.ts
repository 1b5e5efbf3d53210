import { printable } from '../../base/operator.ts'
import { TimedOut } from '../../base/timeout.ts'

/** Keys could not be had. The message is for the operator: it says from where and why, and contains no secret. */
export class KeyFault extends Error {
  override readonly name = 'KeyFault'
  /** Whether a server answered, but without the document that was asked for: another address may have it. */
  readonly isAbsent: boolean
  /** How to fix it. */
  readonly fix: string

  constructor(message: string, isAbsent: boolean = false, fix: string = KEYS_FIX) {
    super(message)
    this.isAbsent = isAbsent
    this.fix = fix
  }
}

/** How to fix it if keys can't be had from a server. */
export const KEYS_FIX =
  'check "jwks_uri" (with "discovery", "issuer"): the gate must reach that server, trust its certificate and find usable keys there'

/** How deep the causes of an error are followed. */
const MAX_CAUSES = 5
const CODE = /^[A-Z][A-Z0-9_]{2,63}$/
const ABORTED = new Set(['TimeoutError', 'AbortError'])
const URLS = /\bhttps?:[^\s)]*/g

/** Describes any error by its code or its name. Its message may contain anything. */
export function describeError(error: unknown): string {
  return knownCause(error) ?? (error instanceof Error ? printable(error.name) : 'not an Error')
}

/**
 * Describes why a fetch failed. Node gives a code in one of the causes (`ECONNREFUSED`, `ENOTFOUND`,
 * `UNABLE_TO_VERIFY_LEAF_SIGNATURE`), Deno a sentence there, workerd a sentence that says less.
 */
export function describeFetchError(error: unknown): string {
  const message = causesOf(error).at(-1)?.message ?? ''
  // Deno begins with the whole URL, and its query may hold a secret.
  const said = message.replace(/^error sending request .*?: (?=client error)/, '').replace(URLS, '…')
  // All that workerd says of a name that has no address, and of a certificate that it doesn't trust.
  const hint = said.startsWith('internal error') ? ": check the server's name and certificate" : ''
  return knownCause(error) ?? printable(said) + hint
}

function knownCause(error: unknown): string | undefined {
  const causes = causesOf(error)
  if (causes.some(cause => cause instanceof TimedOut || ABORTED.has(cause.name))) return 'no answer in time'
  return causes
    .map(cause => ('code' in cause ? cause.code : undefined))
    .find((code): code is string => typeof code === 'string' && CODE.test(code))
}

/** Lists an error, its cause, the cause of that, and so on. */
function causesOf(error: unknown): Error[] {
  const causes: Error[] = []
  for (let cause = error; cause instanceof Error && causes.length < MAX_CAUSES; { cause } = cause) {
    causes.push(cause)
  }
  return causes
}
