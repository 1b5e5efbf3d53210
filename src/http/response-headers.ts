// Allows nothing but media, which the browser's own player loads from its own URL.
const POLICY = "default-src 'none'; media-src 'self'; form-action 'none'; frame-ancestors 'none'"

/** On every response of the gate. */
const ALWAYS = {
  // RFC 9111: a shared cache would answer without asking the gate.
  'Cache-Control': 'private, no-store',
  'Content-Security-Policy': `${POLICY}; sandbox`,
  'Cross-Origin-Resource-Policy': 'same-site',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
} as const

/**
 * For types that can't run code in a browser: video, audio, images, playlists. A browser shows such a file in a page of its
 * own with a player. In a sandbox that page has no origin and may not load the file. With `allow-same-origin` it may, but
 * WebKit's player is a script and still doesn't start.
 */
export const INERT_MEDIA: Readonly<Record<string, string>> = { 'Content-Security-Policy': POLICY }

/**
 * Creates the headers of every response. Metadata of a stored object reaches a response only through here. Returns a plain
 * object, because `Response` creates its own `Headers` from it.
 */
export function responseHeaders(
  ...more: readonly Readonly<Record<string, string>>[]
): Record<string, string> {
  return Object.assign({}, ALWAYS, ...more)
}

/** Answers with JSON. */
export function jsonResponse(
  body: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return Response.json(body, { status, headers: responseHeaders(headers) })
}

/** Answers without a body. */
export function emptyResponse(
  status: number,
  ...headers: readonly Readonly<Record<string, string>>[]
): Response {
  return new Response(null, { status, headers: responseHeaders(...headers) })
}

/** Creates the headers that describe a recording. Call it only after a permit. */
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
