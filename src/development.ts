import type { Variables } from './config/variables.ts'
import { CorsPolicy } from './http/cors.ts'
import { emptyResponse, responseHeaders } from './http/response-headers.ts'
import { hasPlainHost, rawPath } from './locate/locate.ts'

// What `mediaward dev` adds to the gate that is deployed. Only the entries `development.ts` of the runtimes import this file,
// and only `dev` starts these. It is code and not an option, so no variable of a deployment can turn it on.

/** Answers a request. A runtime's server passes more than the request. */
type Fetch<Rest extends readonly unknown[]> = (
  request: Request,
  ...rest: Rest
) => Response | Promise<Response>

/** A page that a program on this machine serves, such as an app under development. */
const LOOPBACK_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/

const NO_PAGE = 'This is a gate for development. It has a page only with the demo clinic.\n'

/**
 * Adds to a gate what a developer's browser needs. All other requests go to the gate as they are.
 *
 * @param variables those of the gate. `DEVELOPMENT_PAGE` is the address of the demo clinic's page. Unless
 *   `ALLOWED_ORIGINS` is set, pages on every port of this machine may read answers
 */
export function forDevelopment<Rest extends readonly unknown[]>(
  fetch: Fetch<Rest>,
  { DEVELOPMENT_PAGE: page, ALLOWED_ORIGINS: origins }: Variables,
): Fetch<Rest> {
  const answer: Fetch<Rest> = (request, ...rest) => answerAddressBar(request, page) ?? fetch(request, ...rest)
  // As everywhere, a blank variable counts as not set.
  if (typeof origins === 'string' && origins.trim() !== '') return answer
  return async (request, ...rest) => allowLoopbackOrigin(request, await answer(request, ...rest))
}

/**
 * Answers what a browser asks for when a developer opens the gate's address. In a deployment both paths are refused and
 * recorded; here such records would hide those that the developer looks for.
 */
function answerAddressBar(request: Request, page: unknown): Response | undefined {
  if (!/^(?:GET|HEAD)$/.test(request.method) || !hasPlainHost(request)) return undefined
  const path = rawPath(request.url)
  if (path === '/favicon.ico') return emptyResponse(204)
  if (path !== '/') return undefined
  if (typeof page === 'string') return emptyResponse(302, { Location: page })
  const headers = responseHeaders({ 'Content-Type': 'text/plain;charset=UTF-8' })
  return new Response(request.method === 'HEAD' ? null : NO_PAGE, { headers })
}

/** Sets the CORS headers of an answer as if the page's origin were on the list, if a loopback host serves the page. */
function allowLoopbackOrigin(request: Request, response: Response): Response {
  const origin = request.headers.get('origin') ?? ''
  const cors = new CorsPolicy([LOOPBACK_ORIGIN.test(origin) ? origin : 'http://localhost'])
  const allow = response.headers.get('allow')
  const isPreflight = request.method === 'OPTIONS' && response.status === 204 && allow !== null
  return cors.apply(request, isPreflight ? cors.preflight(request, allow) : response)
}
