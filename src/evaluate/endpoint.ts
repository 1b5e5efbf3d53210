import { authenticateLogin, type LoginServices } from '../authenticate/bearer.ts'
import { responseHeaders } from '../http/response-headers.ts'
import { rawPath } from '../locate/locate.ts'
import { Refusal } from '../refusal.ts'
import type { Endpoint } from '../request-context.ts'
import { type EvaluationServices, evaluate } from './evaluate.ts'
import { CONFIGURATION, configuration, EVALUATION, EVALUATIONS } from './paths.ts'

/** Creates the endpoint of questions: what apps ask before they show a list, and where they can ask it. */
export function evaluationEndpoint(
  services: EvaluationServices & LoginServices & { readonly publicUrl: string | undefined },
): Endpoint {
  return {
    allow: ({ url }) => (rawPath(url) === CONFIGURATION ? 'GET, OPTIONS' : 'POST, OPTIONS'),

    async handle(context) {
      const { method, url } = context.request
      const path = rawPath(url)
      if (path === CONFIGURATION) {
        if (method !== 'GET') return new Refusal('method_not_allowed')
        const { publicUrl } = services
        // Made from `Host`, it would send an app's questions, and its token, wherever the caller says.
        return publicUrl === undefined
          ? new Refusal('path_invalid', 'This gate has no PUBLIC_URL to name here')
          : Response.json(configuration(publicUrl), { headers: responseHeaders() })
      }
      if (path !== EVALUATION && path !== EVALUATIONS) return new Refusal('path_invalid')
      if (method !== 'POST') return new Refusal('method_not_allowed')
      const subject = await authenticateLogin(context, services)
      return subject instanceof Refusal ? subject : evaluate(context, path === EVALUATIONS, subject, services)
    },
  }
}
