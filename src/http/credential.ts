import { Refusal } from '../refusal.ts'

// RFC 6750 2.1 with RFC 9110 11.1: the scheme in any case, one or more spaces, one b64token. `\s` or trim() would
// also take characters that HTTP doesn't count as white space.
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i
const SCHEME = /^bearer(?: |$)/i

/**
 * Takes the bearer token from `Authorization`, the only place where it may be. Several `Authorization` lines reach
 * us joined by a comma and are no token, so none of them is picked.
 */
export function credential(request: Request): string | Refusal {
  if (hasTokenInQuery(request)) return new Refusal('token_in_query')
  const header = request.headers.get('authorization')
  if (header === null || !SCHEME.test(header)) return new Refusal('token_missing')
  return BEARER.exec(header)?.[1] ?? new Refusal('token_malformed')
}

/**
 * Whether a token stands in the query. RFC 6750 2.3: it is in every log on its way then. To be refused even beside a
 * good credential, so that an app that does this is found in its first test.
 */
export function hasTokenInQuery({ url }: Request): boolean {
  const query = url.indexOf('?')
  return (
    query >= 0 &&
    url
      .slice(query + 1)
      .split('&')
      .some(isToken)
  )
}

const TOKEN = 'access_token'

/** Decodes only what can be the name: Node's URLSearchParams takes quadratic time for many parameters. */
function isToken(parameter: string): boolean {
  const [name = ''] = parameter.split('=', 1)
  if (name === TOKEN) return true
  return name.includes('%') && name.length <= 3 * TOKEN.length && new URLSearchParams(`?${name}`).has(TOKEN)
}

/** The cookie that a ticket travels in. `__Secure-`: a page without TLS can't set it (RFC 6265bis 4.1.3). */
export const TICKET_COOKIE = '__Secure-mediaward-ticket'

/** The ticket in a request's cookie: the first, which browsers send for the longest path (RFC 6265 5.4). */
export function ticketCookie(headers: Headers): string | undefined {
  return COOKIE.exec(headers.get('cookie') ?? '')?.[1]
}
// HTTP's own white space: `trim` takes more, and then a name that only looks like it, and has no `__Secure-`, would do.
const COOKIE = new RegExp(`(?:^|;)[ \\t]*${TICKET_COOKIE}=([^; \\t]*)`)
