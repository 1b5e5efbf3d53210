import { responseHeaders } from '../http/response-headers.ts'
import { Refusal } from '../refusal.ts'
import type { Endpoint, RequestContext } from '../request-context.ts'
import { Readiness, type ReadinessServices } from './readiness.ts'

/**
 * Creates the endpoints that say whether the gate is alive, and whether it is ready, by path. They say nothing else: anyone
 * may ask.
 */
export function healthEndpoints(services: ReadinessServices): ReadonlyMap<string, Endpoint> {
  const readiness = new Readiness(services)
  return new Map([
    ['/healthz', healthEndpoint(async () => [200, 'ok'])],
    [
      '/readyz',
      healthEndpoint(async ({ waitUntil }) =>
        (await readiness.isReady(waitUntil)) ? [200, 'ready'] : [503, 'not ready'],
      ),
    ],
  ])
}

type Answer = readonly [status: 200 | 503, text: string]

/** A 503 of it is an answer, not a refusal: it goes on no record. */
function healthEndpoint(answer: (context: RequestContext) => Promise<Answer>): Endpoint {
  return {
    isProbe: true,
    allow: () => 'GET, HEAD, OPTIONS',

    async handle(context) {
      const { method } = context.request
      if (method !== 'GET' && method !== 'HEAD') return new Refusal('method_not_allowed')
      const [status, text] = await answer(context)
      const headers = responseHeaders({ 'Content-Type': 'text/plain;charset=UTF-8' })
      return new Response(method === 'HEAD' ? null : text, { status, headers })
    },
  }
}
