import { inTenant } from '../authenticate/entry.ts'
import { isSecure, plainUrl } from '../base/url.ts'

/** Members of an issuer's entry, of any type. */
interface Entry {
  readonly issuer?: unknown
  readonly tenants?: unknown
  readonly allow_http_keys?: unknown
}

/** Paths of metadata (OpenID Connect Discovery 1.0, 4; RFC 8414, 3), which is not a key set. Some have their key set below it. */
const METADATA = /\/\.well-known\/(?:openid-configuration\/?$|oauth-authorization-server(?:\/|$))/
/** Google's certificates of service accounts, Firebase's among them. The same keys are in a JWK set. */
const GOOGLE_X509 = /^(https:\/\/www\.googleapis\.com)\/robot\/v1\/metadata\/x509\/([\w.@-]+)$/

/** Checks the address of a key set. */
export function checkJwksUri(uri: unknown, entry: object): string | undefined {
  const url = keyUrl(uri, entry)
  if (url === undefined) return `must be an https URL without user or password${alternative(uri)}`
  if (METADATA.test(url.pathname)) {
    return 'must be the URL of a key set, not of a discovery document: set "discovery": true in its place'
  }
  const [, origin, account] = GOOGLE_X509.exec(url.href) ?? []
  return (
    account &&
    `must be the URL of a key set, not of certificates: the same keys are at ${origin}/service_accounts/v1/jwk/${account}`
  )
}

/** Checks that the address of an issuer's metadata follows from its name. */
export function checkDiscovery(discovery: unknown, entry: Entry): string | undefined {
  if (typeof discovery !== 'boolean') return 'must be true or false'
  const url = keyUrl(entry.issuer, entry)
  // OpenID Connect Discovery 1.0, 3; RFC 8414, 2.
  return !discovery || (url !== undefined && !/[?#]/.test(url.href))
    ? undefined
    : `needs an issuer that is an https URL without user, password, query or fragment${alternative(entry.issuer)}, or use jwks_uri`
}

/** Checks the address of an issuer's introspection endpoint. */
export function checkEndpoint(uri: unknown, entry: object): string | undefined {
  return keyUrl(uri, entry)?.hash === ''
    ? undefined
    : `must be an https URL without user, password or fragment${alternative(uri)}`
}

/** Parses a URL of an issuer's. Undefined if it is none, or if anyone on the way could answer in the issuer's place. */
function keyUrl(value: unknown, { tenants, allow_http_keys }: Entry): URL | undefined {
  if (typeof value !== 'string') return undefined
  const written = tenants === undefined ? value : inTenant(value, 'a-tenant')
  // Blanks at the ends would be cut off, and a placeholder would be sent as it is.
  if (/[\s{}]/.test(written)) return undefined
  const url = plainUrl(written)
  return isSecure(url) || (allow_http_keys === true && url?.protocol === 'http:') ? url : undefined
}

function alternative(value: unknown): string {
  if (typeof value !== 'string') return ''
  if (/[\s{}]/.test(value)) return ', with no blank and no placeholder'
  return plainUrl(value)?.protocol === 'http:' ? ' (within a network of your own, set allow_http_keys)' : ''
}
