import { responseHeaders } from './response-headers.ts'

/**
 * The response headers that a page may read beside those that every page may (Fetch standard, 2.2.4), so that a player
 * sees what it got, and a refusal's `Retry-After`.
 */
const EXPOSED =
  'Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Mediaward-Cursor, Mediaward-More, Retry-After, WWW-Authenticate, X-Request-ID'

/** The request headers that a page may send. Named one by one: "*" never covers Authorization (Fetch standard, 4.8). */
const ALLOWED: readonly string[] = [
  // What the gate reads.
  'Authorization',
  'Content-Digest',
  'Content-Range',
  'Content-Type',
  'If-Match',
  'If-Modified-Since',
  'If-None-Match',
  'If-Range',
  'If-Unmodified-Since',
  'Mediaward-App-Release',
  'Mediaward-Consultation',
  'Mediaward-Owner',
  'Mediaward-Owner-Issuer',
  'Mediaward-Upload',
  'Mediaward-Upload-Size',
  'Range',
  'Repr-Digest',
  'X-Request-ID',
  // What players and the tools that watch over an app add by themselves, and the gate ignores. One header that isn't
  // listed makes the browser refuse the whole request.
  'Cache-Control',
  'Pragma',
  'X-Requested-With',
  // CTA-5004, 2.3.
  'CMCD-Object',
  'CMCD-Request',
  'CMCD-Session',
  'CMCD-Status',
  // W3C Trace Context and Baggage; Sentry; Datadog.
  'traceparent',
  'tracestate',
  'baggage',
  'sentry-trace',
  'x-datadog-origin',
  'x-datadog-parent-id',
  'x-datadog-sampled',
  'x-datadog-sampling-priority',
  'x-datadog-tags',
  'x-datadog-trace-id',
]

const METHODS = 'DELETE, GET, HEAD, POST, PUT'

/** Which pages of other origins may use the gate, as one deployment has it. */
export interface CorsPolicy {
  /**
   * The headers for one request (Fetch standard, 3.2 and 3.7), the same on every answer. Refusals carry them too: a
   * player would otherwise report "CORS error" instead of the refusal.
   */
  headersFor(request: Request): Readonly<Record<string, string>>
  /**
   * Answers a preflight. A preflight carries no credential, so it is answered before one is looked for, and is not a
   * refusal.
   *
   * @param allow the methods of the route
   */
  preflight(request: Request, allow: string): Response
}

/**
 * Creates the policy. All headers are made here, once.
 *
 * @param origins are reflected; no other origin is, and never "*"
 * @param moreHeaders request headers that a page may send beside the usual ones
 */
export function createCors(origins: readonly string[] = [], moreHeaders: readonly string[] = []): CorsPolicy {
  const allowedHeaders = [...ALLOWED, ...moreHeaders].join(', ')
  // With a list of origins the answer depends on the request's, whether it is listed or not.
  const others: Readonly<Record<string, string>> = origins.length === 0 ? {} : { Vary: 'Origin' }
  const listed = new Map(
    origins.map(origin => [
      origin,
      {
        ...others,
        'Access-Control-Allow-Origin': origin,
        'Access-Control-Allow-Credentials': 'true',
        'Access-Control-Expose-Headers': EXPOSED,
        // Else a listed origin of another site could not embed what it may read.
        'Cross-Origin-Resource-Policy': 'cross-origin',
      },
    ]),
  )

  const headersOfListed = ({ headers }: Request) => listed.get(headers.get('origin') ?? '')
  return {
    headersFor: request => headersOfListed(request) ?? others,

    preflight(request, allow) {
      const headers = headersOfListed(request)
      const answer = {
        Allow: allow,
        ...(headers !== undefined && {
          'Access-Control-Allow-Methods': METHODS,
          'Access-Control-Allow-Headers': allowedHeaders,
          'Access-Control-Max-Age': '7200',
        }),
      }
      return new Response(null, { status: 204, headers: responseHeaders(headers ?? others, answer) })
    },
  }
}
