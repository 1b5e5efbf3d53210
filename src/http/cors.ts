import { emptyResponse } from './response-headers.ts'

/**
 * The response headers that a page may read beside those that every page may (Fetch standard, 2.2.4), so that a player
 * sees what it got, and a refusal's `Retry-After`.
 */
const EXPOSED =
  'Accept-Ranges, Content-Disposition, Content-Length, Content-Range, ETag, Mediaward-Archived, Mediaward-Cursor, Mediaward-End, Mediaward-More, Retry-After, WWW-Authenticate, X-Request-ID'

/** The request headers that a page may send. Named one by one: "*" never covers Authorization (Fetch standard, 4.8). */
const ALLOWED: readonly string[] = [
  // What the gate reads.
  'Authorization',
  'Content-Digest',
  'Content-Range',
  'Content-Type',
  'DPoP',
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

/**
 * Which pages of other origins may use the gate, as one deployment has it (Fetch standard, 3.2). All headers are made
 * once, here.
 */
export class CorsPolicy {
  /** With a list of origins the answer depends on the request's, whether it is listed or not. */
  readonly #others: readonly (readonly [string, string])[]
  readonly #listed: ReadonlyMap<string, readonly (readonly [string, string])[]>
  readonly #preflight: Readonly<Record<string, string>>

  /**
   * @param origins are reflected; no other origin is, and never "*"
   * @param moreHeaders request headers that a page may send beside the usual ones
   */
  constructor(origins: readonly string[] = [], moreHeaders: readonly string[] = []) {
    this.#others = origins.length === 0 ? [] : [['Vary', 'Origin']]
    this.#listed = new Map(
      origins.map(origin => [
        origin,
        [
          ...this.#others,
          ['Access-Control-Allow-Origin', origin],
          ['Access-Control-Allow-Credentials', 'true'],
          ['Access-Control-Expose-Headers', EXPOSED],
          // Else a listed origin of another site could not embed what it may read.
          ['Cross-Origin-Resource-Policy', 'cross-origin'],
        ],
      ]),
    )
    this.#preflight = {
      'Access-Control-Allow-Methods': METHODS,
      'Access-Control-Allow-Headers': [...ALLOWED, ...moreHeaders].join(', '),
      'Access-Control-Max-Age': '7200',
    }
  }

  /**
   * Sets the headers of an answer to one request. Refusals carry them too: a player would otherwise report "CORS error"
   * instead of the refusal.
   */
  apply(request: Request, response: Response): Response {
    for (const [name, value] of this.#listedFor(request) ?? this.#others) response.headers.set(name, value)
    return response
  }

  /**
   * Answers a preflight. A preflight carries no credential, so it is answered before one is looked for, and is not a
   * refusal.
   *
   * @param allow the methods of the endpoint
   */
  preflight(request: Request, allow: string): Response {
    const answer = this.#listedFor(request) === undefined ? {} : this.#preflight
    return emptyResponse(204, { Allow: allow }, answer)
  }

  /**
   * Returns whether a page of another site caused a request, and isn't of a listed origin (Fetch Metadata, 2.2): what the
   * browser adds by itself must not count, nor what a login proxy makes of it. Browsers that don't say so keep cookies to
   * their site by `SameSite`. Apps and servers say nothing, and are never foreign.
   */
  isForeign(request: Request): boolean {
    const isCrossSite = request.headers.get('sec-fetch-site') === 'cross-site'
    return isCrossSite && this.#listedFor(request) === undefined
  }

  #listedFor({ headers }: Request): readonly (readonly [string, string])[] | undefined {
    return this.#listed.get(headers.get('origin') ?? '')
  }
}
