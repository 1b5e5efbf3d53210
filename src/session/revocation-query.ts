import type { Entry } from '../authenticate/entry.ts'
import type { TrustedIssuers } from '../authenticate/trusted-issuers.ts'
import { Refusal } from '../refusal.ts'
import type { Ended } from './revocation.ts'

/** Which login is to end. */
export interface AskedRevocation extends Pick<Ended, 'scope' | 'id'> {
  /** The entries of its issuer. */
  readonly entries: readonly Entry[]
  readonly reason?: string
}

/** The members that name a login, and what each names. Exactly one is given. */
const SCOPES = { sub: 'subject', sid: 'session', jti: 'token' } as const
type Name = keyof typeof SCOPES

const MAX_ID = 255
const MAX_REASON = 500

const isGiven = (value: unknown, longest: number): value is string =>
  typeof value === 'string' && value !== '' && value.length <= longest

/** Reads which login is to end. */
export function readRevocation(
  json: unknown,
  { entries, names }: Pick<TrustedIssuers, 'entries' | 'names'>,
): AskedRevocation | Refusal {
  const { issuer, reason, ...rest } = Object(json) as Readonly<Record<string, unknown>>
  const [name, ...others] = Object.keys(rest)
  if (name === undefined || !Object.hasOwn(SCOPES, name) || others.length > 0) {
    return invalid('name the login by exactly one of sub, sid and jti, beside issuer and reason')
  }
  const id = rest[name]
  if (!isGiven(id, MAX_ID)) return invalid(`${name} must be a string of at most ${MAX_ID} characters`)
  const [only] = names
  const of = issuer ?? (names.size === 1 ? only : undefined)
  if (typeof of !== 'string' || !names.has(of)) return invalid('issuer must be one of ISSUERS')
  if (reason !== undefined && !isGiven(reason, MAX_REASON)) {
    return invalid(`reason must say why, in at most ${MAX_REASON} characters`)
  }
  return {
    scope: SCOPES[name as Name],
    id,
    entries: entries.filter(entry => entry.issuer === of),
    ...(reason !== undefined && { reason }),
  }
}

const invalid = (detail: string): Refusal => new Refusal('query_invalid', detail)
