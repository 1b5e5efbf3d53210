import type { Subject } from '../authorize/subject.ts'
import type { WaitUntil } from '../base/wait-until.ts'
import { responseHeaders } from '../http/response-headers.ts'
import { rawPath } from '../locate/locate.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { type Desk, evaluate } from './evaluate.ts'
import { CONFIGURATION, configuration, EVALUATION, EVALUATIONS } from './paths.ts'

/** Makes what the routes of questions do, from the one that finds out who asks. */
export function accessRoute(
  identify: (context: RequestContext, waitUntil: WaitUntil) => Promise<Subject | Refusal>,
  desk: Desk,
  publicUrl: string | undefined,
) {
  return async (
    context: RequestContext,
    crossOrigin: Record<string, string>,
    waitUntil: WaitUntil,
    beat: (rounds: number) => Promise<void>,
  ): Promise<Response | Refusal> => {
    const { method, url } = context.request
    const path = rawPath(url)
    if (path === CONFIGURATION) {
      if (method !== 'GET') return new Refusal('method_not_allowed')
      // Made from `Host` it would send an app's questions, and its token, wherever the caller says.
      if (publicUrl === undefined)
        return new Refusal('path_invalid', 'This gate has no PUBLIC_URL to name here')
      const told = configuration(publicUrl)
      return Response.json(told, { headers: responseHeaders(crossOrigin) })
    }
    if (path !== EVALUATION && path !== EVALUATIONS) return new Refusal('path_invalid')
    if (method !== 'POST') return new Refusal('method_not_allowed')
    const subject = await identify(context, waitUntil)
    return subject instanceof Refusal ? subject : evaluate(context, path, subject, desk, crossOrigin, beat)
  }
}
