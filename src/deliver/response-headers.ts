/** On every answer of the gate, whatever it is. */
const ALWAYS = {
  // RFC 9111: a shared cache in front would answer without asking us.
  'Cache-Control': 'private, no-store',
  'Content-Security-Policy': "default-src 'none'; media-src 'self'; frame-ancestors 'none'; sandbox",
  'Cross-Origin-Resource-Policy': 'same-site',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const

/**
 * The one maker of response headers. Nothing stored beside an object gets into an answer but through here. A plain
 * object, since `Response` makes its own `Headers` of it.
 */
export function responseHeaders(
  ...more: readonly Readonly<Record<string, string>>[]
): Record<string, string> {
  return Object.assign({}, ALWAYS, ...more)
}

/** Headers that tell what a recording is; only ever after a permit. */
export function representationHeaders(part: {
  readonly etag: string
  readonly modified: number
}): Record<string, string> {
  return {
    'Accept-Ranges': 'bytes',
    ETag: part.etag,
    'Last-Modified': new Date(part.modified).toUTCString(),
  }
}
