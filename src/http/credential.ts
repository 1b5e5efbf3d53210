import { Refusal } from '../refusal.ts'

// RFC 6750 2.1 and RFC 9449 7.1 with RFC 9110 11.1: the scheme in any case, one or more spaces, one b64token. `\s` or
// trim() would also accept characters that are not white space in HTTP.
const CREDENTIALS = /^(?:bearer|dpop) +([A-Za-z0-9._~+/-]+=*)$/i
const BEARER_SCHEME = /^bearer(?: |$)/i
const DPOP_SCHEME = /^dpop(?: |$)/i

/** A header or cookie, beside `Authorization`, that the configuration names for tokens. */
export interface Place {
  readonly in: 'header' | 'cookie'
  /** As the configuration writes it, a header's in small letters. */
  readonly name: string
}

/** A token as a request presents it. */
export interface Credential {
  readonly token: string
  /** The scheme in `Authorization`, unless it is `Bearer`. The request's `DPoP` header then holds a proof. */
  readonly scheme?: 'DPoP'
  /** The headers and cookies that it came in. Empty for `Authorization`. */
  readonly places: readonly Place[]
}

/** A token in one of the places that the configuration names. */
export interface PlacedToken {
  readonly token: string
  readonly place: Place
}

/**
 * Returns the token in a request's `Authorization` header. Undefined without such a header. Several of them arrive joined by
 * a comma, which no token contains, so none of them is picked.
 *
 * @param acceptsProofs whether the scheme `DPoP` is known
 */
export function authorizationToken(
  request: Request,
  acceptsProofs: boolean,
): Credential | Refusal | undefined {
  const header = request.headers.get('authorization')
  if (header === null) return undefined
  const isProven = acceptsProofs && usesDpop(request)
  if (!isProven && !BEARER_SCHEME.test(header)) return new Refusal('token_missing')
  const token = CREDENTIALS.exec(header)?.[1]
  if (token === undefined) return new Refusal('token_malformed')
  return isProven ? { token, scheme: 'DPoP', places: [] } : { token, places: [] }
}

/** Returns whether a request tries to authenticate by the scheme `DPoP` (RFC 9449 7.1). */
export function usesDpop({ headers }: Request): boolean {
  return DPOP_SCHEME.test(headers.get('authorization') ?? '')
}

/**
 * Returns whether the query contains a token, which every log on the way then contains too (RFC 6750 2.3). Such a request
 * is refused even with a good credential, so that an app that does this finds out in its first test.
 */
export function hasTokenInQuery({ url }: Request): boolean {
  const query = url.indexOf('?')
  return (
    query >= 0 &&
    url
      .slice(query + 1)
      .split('&')
      .some(isTokenParameter)
  )
}

const TOKEN_PARAMETER = 'access_token'

/** Decodes only what can be this name: Node's URLSearchParams takes quadratic time for many parameters. */
function isTokenParameter(parameter: string): boolean {
  const [name = ''] = parameter.split('=', 1)
  if (name === TOKEN_PARAMETER) return true
  return (
    name.includes('%') &&
    name.length <= 3 * TOKEN_PARAMETER.length &&
    new URLSearchParams(`?${name}`).has(TOKEN_PARAMETER)
  )
}

/** The cookie that holds a ticket. A page without TLS can't set a `__Secure-` cookie (RFC 6265bis 4.1.3). */
export const TICKET_COOKIE = '__Secure-mediaward-ticket'

/** Returns the ticket in a request's cookies. The first one counts, which has the longest path (RFC 6265 5.4). */
export function ticketCookie(headers: Headers): string | undefined {
  return cookiesIn(headers, COOKIE)[0]
}

/**
 * Creates a pattern of the cookies of one name. White space is what HTTP defines: `trim` removes more, and would turn a name
 * that merely ends in `__Secure-…`, which any page may set, into that of a ticket.
 */
export function cookiePattern(name: string): RegExp {
  const literal = name.replace(/[^A-Za-z0-9_]/g, '\\$&')
  return new RegExp(`(?:^|;)[ \\t]*${literal}=([^; \\t]*)`, 'g')
}
const COOKIE = cookiePattern(TICKET_COOKIE)

/** Returns the values of a request's cookies of one name. */
export function cookiesIn(headers: Headers, pattern: RegExp): readonly string[] {
  return Array.from((headers.get('cookie') ?? '').matchAll(pattern), ([, value = '']) => value)
}
