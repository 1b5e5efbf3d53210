// Nothing but media, which the browser's own player loads from where it is itself.
const POLICY = "default-src 'none'; media-src 'self'; form-action 'none'; frame-ancestors 'none'"

/** On every answer of the gate, whatever it is. */
const ALWAYS = {
  // RFC 9111: a shared cache in front would answer without asking us.
  'Cache-Control': 'private, no-store',
  'Content-Security-Policy': `${POLICY}; sandbox`,
  'Cross-Origin-Resource-Policy': 'same-site',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const

/**
 * On what a browser runs nothing of: video, audio, pictures, playlists. A browser makes a page with a player around such
 * a file. In a sandbox that page is of no origin and may not load the file; with `allow-same-origin` it may, but
 * WebKit's player, a script, still doesn't start.
 */
export const INERT_MEDIA: Readonly<Record<string, string>> = { 'Content-Security-Policy': POLICY }

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
