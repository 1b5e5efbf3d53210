import { responseHeaders } from './response-headers.ts'

/**
 * The CORS headers for one request (Fetch standard, 3.2), the same on every answer, refusals too: else a player
 * would show "CORS error" where it should say "refused". An origin is reflected only when it is on the list.
 */
export function crossOriginHeaders(
  request: Request,
  allowedOrigins: ReadonlySet<string>,
): Record<string, string> {
  if (allowedOrigins.size === 0) return {}
  const origin = request.headers.get('origin')
  if (origin === null || !allowedOrigins.has(origin)) return { Vary: 'Origin' }
  return {
    Vary: 'Origin',
    'Access-Control-Allow-Origin': origin,
    'Access-Control-Allow-Credentials': 'true',
    'Access-Control-Expose-Headers':
      'Accept-Ranges, Content-Length, Content-Range, ETag, Mediaward-Cursor, Mediaward-More, Retry-After, WWW-Authenticate, X-Request-ID',
  }
}

/**
 * The answer to a preflight. That carries no credential, and is answered before one is looked for.
 *
 * @param allow the methods of the route
 */
export function preflight(crossOrigin: Record<string, string>, allow: string): Response {
  const headers = responseHeaders(crossOrigin, preflightHeaders(crossOrigin, allow))
  return new Response(null, { status: 204, headers })
}

function preflightHeaders(crossOrigin: Record<string, string>, allow: string): Record<string, string> {
  if (crossOrigin['Access-Control-Allow-Origin'] === undefined) return { Allow: allow }
  return {
    Allow: allow,
    'Access-Control-Allow-Methods': 'DELETE, GET, HEAD, POST, PUT',
    // Named one by one: "*" never covers Authorization.
    'Access-Control-Allow-Headers':
      'Authorization, Content-Digest, Content-Range, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, If-Unmodified-Since, Mediaward-App-Release, Mediaward-Consultation, Mediaward-Owner, Mediaward-Owner-Issuer, Mediaward-Upload, Mediaward-Upload-Size, Range, Repr-Digest, X-Request-ID',
    'Access-Control-Max-Age': '7200',
  }
}
