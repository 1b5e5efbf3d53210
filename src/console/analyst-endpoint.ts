import {
  type Analyst,
  type AnalystCall,
  authenticateAnalyst,
  readAnalystCall,
} from '../authenticate/analyst.ts'
import type { BearerServices } from '../authenticate/bearer.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { Refusal } from '../refusal.ts'
import type { Endpoint, RequestContext } from '../request-context.ts'

/** Creates an endpoint that answers an analyst's GET. */
export function analystEndpoint(
  services: BearerServices,
  answer: (context: RequestContext, analyst: Analyst) => Promise<Response | Refusal>,
): Endpoint {
  return {
    allow: () => 'GET, OPTIONS',

    async handle(context) {
      if (context.request.method !== 'GET') return new Refusal('method_not_allowed')
      const analyst = await authenticateAnalyst(context, services)
      return analyst instanceof Refusal ? analyst : answer(context, analyst)
    },
  }
}

/**
 * Creates an endpoint that answers an analyst's POST.
 *
 * @param most the largest body, in bytes
 */
export function analystCallEndpoint(
  services: BearerServices & { readonly bodyTimeouts: Required<BodyTimeouts> },
  most: number,
  answer: (context: RequestContext, call: AnalystCall) => Promise<Response | Refusal>,
): Endpoint {
  return {
    allow: () => 'POST, OPTIONS',

    async handle(context) {
      const call = await readAnalystCall(context, services, most)
      return call instanceof Refusal ? call : answer(context, call)
    },
  }
}
