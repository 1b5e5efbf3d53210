import type { WaitUntil } from '../base/timeout.ts'
import { Refusal } from '../refusal.ts'
import { kidOf, refuseHeader, verifyingKeys } from './access-token.ts'
import { listOf } from './audience.ts'
import { type Claims, isPresent, stringClaim } from './claim-value.ts'
import { hasSubAsId } from './entry.ts'
import { parseToken } from './parse-token.ts'
import { TokenRefusal } from './token-refusal.ts'
import type { TrustedEntry, TrustedIssuers } from './trusted-issuers.ts'

/** What an issuer says by a logout token: this person, or this session, has logged out. */
export interface Logout {
  /** The entries whose clients the token is for: those in which the person has an id. */
  readonly entries: readonly TrustedEntry[]
  readonly subject: string | undefined
  readonly session: string | undefined
  /** The token's own id. */
  readonly id: string
  /** When it was issued, in seconds since 1970. */
  readonly issued: number
  /** From when on it is refused, in seconds since 1970. */
  readonly expires: number
}

/** Explicit type of OpenID Connect Back-Channel Logout 1.0, 2.4; older providers write `JWT`, or nothing. */
const TYPES: ReadonlySet<string> = new Set(['logout+jwt', 'jwt'])
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'
/** How old a token without an end may be, in seconds. */
const MAX_AGE = 300
/** How old any may be, in seconds: its id is remembered for so long. */
const A_DAY = 86_400

/**
 * Verifies a logout token (OpenID Connect Back-Channel Logout 1.0, 2.6). Its audience must be among the `clients` of an entry of
 * its issuer: an issuer sends each of its apps a token of its own.
 *
 * @param now milliseconds since 1970
 * @throws Fault `keys_unavailable` if the issuer's keys can't be fetched
 */
export async function verifyLogoutToken(
  token: string,
  issuers: Pick<TrustedIssuers, 'entries'>,
  now: number,
  waitUntil: WaitUntil,
): Promise<Logout | TokenRefusal> {
  const unverified = parseToken(token)
  if (unverified === undefined) return invalid({})
  const { payload } = unverified
  const meant = entriesFor(payload, issuers.entries)
  const [first] = meant
  if (first === undefined) return invalid({ claim: 'aud' })
  // Entries of one issuer may have different keys: what one of them signs ends no login of another.
  const entries: TrustedEntry[] = []
  for (const one of meant) {
    if (refuseHeader(unverified, one, TYPES) !== undefined) continue
    const keys = await verifyingKeys(token, { entry: one, kid: kidOf(unverified) }, now, waitUntil)
    if (!(keys instanceof Refusal)) entries.push(one)
  }
  const [entry] = entries
  if (entry === undefined) return invalid({ entry: first.name })
  const proven = { entry: entry.name, issuer: entry.issuer }
  const tolerance = entry.clock_tolerance_s ?? 30
  const flaw = flawOf(payload, now / 1000, tolerance)
  if (flaw !== undefined) return invalid({ ...proven, claim: flaw })
  // Of an entry whose subjects have another claim as their id, `sub` is not the id of any of them.
  const subject = entries.some(hasSubAsId) ? stringClaim(payload.sub) : undefined
  const session = stringClaim(payload.sid)
  if (subject === undefined && session === undefined) return invalid({ ...proven, claim: 'sid' })
  return {
    ...{ entries, subject, session, id: payload.jti as string, issued: payload.iat as number },
    expires: endOf(payload, tolerance),
  }
}

/** Returns the entries of the token's issuer that have one of its audiences as a client. */
function entriesFor({ iss, aud }: Claims, entries: readonly TrustedEntry[]): readonly TrustedEntry[] {
  const audiences = [aud].flat()
  return entries.filter(
    ({ issuer, clients }) => issuer === iss && listOf(clients).some(client => audiences.includes(client)),
  )
}

/** Returns the claim that is missing or wrong. */
function flawOf(claims: Claims, now: number, tolerance: number): string | undefined {
  const { jti, iat, exp, events, nonce } = claims
  if (stringClaim(jti) === undefined) return 'jti'
  if (typeof iat !== 'number' || !(iat <= now + tolerance)) return 'iat'
  if (isPresent(exp) && !(typeof exp === 'number' && now < exp + tolerance)) return 'exp'
  if (now >= endOf(claims, tolerance)) return 'iat'
  const event: unknown = Object(events)[EVENT]
  if (typeof event !== 'object' || event === null) return 'events'
  // 2.6: an ID token with a nonce must not pass for a logout token.
  return isPresent(nonce) ? 'nonce' : undefined
}

/** Returns when a token ends, in seconds since 1970. */
const endOf = ({ iat, exp }: Claims, tolerance: number): number =>
  isPresent(exp)
    ? Math.min((exp as number) + tolerance, (iat as number) + A_DAY)
    : (iat as number) + MAX_AGE + tolerance

const invalid = (facts: TokenRefusal['facts']): TokenRefusal => new TokenRefusal('logout_invalid', facts)
