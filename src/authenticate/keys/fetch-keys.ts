import { readBody } from '../../base/bytes.ts'
import { printable, withoutQuery } from '../../base/operator.ts'
import { VERSION } from '../../ledger/event.ts'
import { describeFetchError, KeyFault } from './key-fault.ts'

/** How documents about keys are fetched. */
export interface KeyHttp {
  /** The largest response that is read, in bytes. */
  readonly maxBytes: number
  readonly fetch: typeof globalThis.fetch
}

/** Defaults that suit common identity providers. */
export const KEY_HTTP: KeyHttp = {
  maxBytes: 256 * 1024,
  // Looked up at each call, not bound now: the runtime may instrument or replace it.
  fetch: (input, init) => globalThis.fetch(input, init),
}

const HEADERS = {
  Accept: 'application/json, application/jwk-set+json, */*;q=0.1',
  // Workers send none by themselves, and common firewalls answer 403 without one.
  'User-Agent': `mediaward/${VERSION}`,
}

/**
 * Fetches a JSON document.
 *
 * @throws KeyFault if there is none, or if the signal ends the fetch
 */
export async function fetchJson(uri: string, http: KeyHttp, signal: AbortSignal): Promise<unknown> {
  const place = withoutQuery(uri)
  const body = await fetchString(uri, http, signal).catch((error: unknown) => {
    throw error instanceof KeyFault
      ? error
      : new KeyFault(`${place} can't be fetched (${describeFetchError(error)})`)
  })
  try {
    return JSON.parse(body)
  } catch {
    throw new KeyFault(`${place} answered with ${kindOf(body)}`, true)
  }
}

async function fetchString(uri: string, { fetch, maxBytes }: KeyHttp, signal: AbortSignal): Promise<string> {
  const place = withoutQuery(uri)
  // A redirect could lead anywhere. The configuration names the only place that is trusted.
  const response = await fetch(uri, { headers: HEADERS, redirect: 'manual', signal })
  const { status } = response
  if (status !== 200) {
    await response.body?.cancel()
    // A server that is overloaded or broken says nothing about what it has.
    const isAbsent = status < 500 && status !== 429
    throw new KeyFault(`${place} answered with status ${status}${describeRedirect(response, uri)}`, isAbsent)
  }
  const bytes = await readBody(maxBytes, response)
  if (bytes.length > maxBytes) throw new KeyFault(`${place} answered with over ${maxBytes} bytes`)
  return new TextDecoder().decode(bytes)
}

/** Says where a response redirects to, for a fetch that follows no redirect. Empty if it doesn't. */
export function describeRedirect({ headers }: Response, uri: string): string {
  const location = headers.get('location')
  if (location === null) return ''
  const target = URL.canParse(location, uri)
    ? withoutQuery(new URL(location, uri))
    : 'something else than a URL'
  return `, a redirect to ${printable(target)}: redirects are not followed`
}

/** Names what is not JSON. */
function kindOf(body: string): string {
  if (body.startsWith('-----BEGIN ')) return 'PEM, not JSON: ask the issuer for a JWK set'
  if (/^eyJ[\w-]*\.[\w-]*\.[\w-]*\s*$/.test(body)) return 'a signed key set: ask the issuer for a plain one'
  if (/^\s*</.test(body)) return 'HTML or XML, not JSON'
  return body === '' ? 'an empty body' : 'something else than JSON'
}
