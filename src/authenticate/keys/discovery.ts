import { printable, withoutQuery } from '../../base/operator.ts'
import { isSecure, plainUrl } from '../../base/url.ts'
import { fetchJson, type KeyHttp } from './fetch-keys.ts'
import { KeyFault } from './key-fault.ts'
import { fetchKeySet, type LoadKeys } from './load-keys.ts'

/**
 * Creates a loader of keys from the `jwks_uri` that an issuer's metadata names. The metadata is asked each time: an issuer
 * may move its keys away from a server that it no longer trusts, and leave the old ones there.
 *
 * @param allowHttp whether the keys may come over plain HTTP
 */
export function createDiscoveryLoader(issuer: string, allowHttp: boolean, http: KeyHttp): LoadKeys {
  return async ({ signal }) => fetchKeySet(await discover(issuer, allowHttp, http, signal), http, signal)
}

/**
 * Returns where an issuer publishes its metadata: by OpenID Connect Discovery 1.0, 4, and by RFC 8414, 3. One appends to
 * the issuer's path, the other one inserts before it.
 */
export function metadataUrls(issuer: string): readonly [openid: string, oauth: string] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

async function discover(
  issuer: string,
  allowHttp: boolean,
  http: KeyHttp,
  signal: AbortSignal,
): Promise<string> {
  const [openid, oauth] = metadataUrls(issuer)
  try {
    return jwksUriOf(openid, await fetchJson(openid, http, signal), issuer, allowHttp)
  } catch (error) {
    // Almost every issuer has the first document. If its server is down, the second one would not be there either.
    if (!(error instanceof KeyFault && error.isAbsent)) throw error
    const document = await fetchJson(oauth, http, signal).catch((second: unknown) => {
      throw second instanceof KeyFault ? new KeyFault(`${error.message}, and ${second.message}`) : second
    })
    return jwksUriOf(oauth, document, issuer, allowHttp)
  }
}

/** Checks a metadata document (OpenID Connect Discovery 1.0, 4.3; RFC 8414, 3.3). Nothing else in it is read. */
function jwksUriOf(url: string, document: unknown, issuer: string, allowHttp: boolean): string {
  const { issuer: named, jwks_uri } = (document ?? {}) as { issuer?: unknown; jwks_uri?: unknown }
  // To the letter: the keys of one issuer must not verify the tokens of another.
  if (named !== issuer) {
    const other = typeof named === 'string' ? `the issuer "${printable(named)}"` : 'no issuer'
    throw new KeyFault(`${url} names ${other}, not "${issuer}"`)
  }
  const target = plainUrl(jwks_uri)
  if (target === undefined) throw new KeyFault(`${url} names no jwks_uri`)
  const isLocal = issuer.startsWith('http:') && isSecure(target)
  if (target.protocol !== 'https:' && !isLocal && !(allowHttp && target.protocol === 'http:')) {
    throw new KeyFault(`${url} names a jwks_uri that is not https: ${printable(withoutQuery(target))}`)
  }
  return target.href
}
