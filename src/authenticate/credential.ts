import { type Refused, refused } from '../refusal.ts'

// RFC 6750 2.1 with RFC 9110 11.1: the scheme in any case, one or more spaces, one b64token. `\s` or trim() would
// also take characters that HTTP doesn't count as white space.
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i
const SCHEME = /^bearer(?: |$)/i

/**
 * Takes the bearer token from `Authorization`, the only place where it may be. Several `Authorization` lines reach
 * us joined by a comma and are no token, so none of them is picked.
 */
export function credential(request: Request): string | Refused {
  if (hasTokenInQuery(request)) return refused('token_in_query')
  const header = request.headers.get('authorization')
  if (header === null || !SCHEME.test(header)) return refused('token_missing')
  return BEARER.exec(header)?.[1] ?? refused('token_malformed')
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
