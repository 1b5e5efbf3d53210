import {
  type Analyst,
  type AnalystCall,
  type AnalystRoute,
  type AnalystServices,
  authenticateAnalyst,
  readAnalystCall,
} from '../authenticate/analyst.ts'
import type { ConsoleAction } from '../authorize/decision.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { Refusal } from '../refusal.ts'
import type { Endpoint, RequestContext } from '../request-context.ts'

/** Creates an endpoint that answers an analyst's GET. */
export function analystEndpoint(
  services: AnalystServices,
  answer: (context: RequestContext, analyst: Analyst) => Promise<Response | Refusal>,
  action: ConsoleAction = 'audit',
): Endpoint {
  return {
    allow: () => 'GET, OPTIONS',

    async handle(context) {
      if (context.request.method !== 'GET') return new Refusal('method_not_allowed')
      const analyst = await authenticateAnalyst(context, action, services)
      return analyst instanceof Refusal ? analyst : answer(context, analyst)
    },
  }
}

/** Creates an endpoint that answers an analyst's POST. */
export function analystCallEndpoint(
  services: AnalystServices & { readonly bodyTimeouts: Required<BodyTimeouts> },
  route: AnalystRoute,
  answer: (context: RequestContext, call: AnalystCall) => Promise<Response | Refusal>,
): Endpoint {
  return {
    allow: () => 'POST, OPTIONS',

    async handle(context) {
      const call = await readAnalystCall(context, services, route)
      return call instanceof Refusal ? call : answer(context, call)
    },
  }
}
