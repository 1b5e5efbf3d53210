/** Parses a URL that holds neither user nor password. */
export function plainUrl(value: unknown): URL | undefined {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined
  return url?.username || url?.password ? undefined : url
}

// RFC 6761 6.3: names below localhost are loopback names too.
const LOOPBACK = /^(?:(?:[a-z0-9-]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** Returns whether a URL leads to the machine that it is used on. */
export function isLoopback(url: URL | undefined): boolean {
  return url !== undefined && LOOPBACK.test(url.hostname)
}

/** Returns whether nothing between here and a URL's server can read or change what is sent: TLS, or this very machine. */
export function isSecure(url: URL | undefined): boolean {
  return url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url))
}
