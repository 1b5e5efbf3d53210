// The characters of a host and a port. None of them would end the host, or be dropped by a parser.
const HTTP_URL = /^(https?:\/\/[A-Za-z0-9._:[\]-]+)(\/[^?#]*)?(?:[?#]|$)/i
const UNRESERVED = /^[A-Za-z0-9._~-]$/

/**
 * Normalizes an http(s) URL as RFC 9449 4.3 advises (RFC 3986 6.2.2, 6.2.3) and drops its query and fragment: scheme and
 * host in small letters, no default port, escapes in capital letters and none where a plain character would do.
 *
 * Dot segments stay, so that such a URL equals none that the gate serves: two parsers could take it for two URLs.
 *
 * @returns undefined if it is not an http(s) URL, or holds a user
 */
export function normalizeUrl(url: string): string | undefined {
  const [, origin = '', path = '/'] = HTTP_URL.exec(url) ?? []
  if (!URL.canParse(origin)) return undefined
  return new URL(origin).origin + path.replace(/%[0-9a-f]{2}/gi, normalizeEscape)
}

function normalizeEscape(encoded: string): string {
  const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16))
  return UNRESERVED.test(character) ? character : encoded.toUpperCase()
}
