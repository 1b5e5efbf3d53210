import type { Subject } from '../authenticate/subject.ts'
import { responseHeaders } from '../deliver/response-headers.ts'
import type { Attempt } from '../ledger/observe.ts'
import { rawPath } from '../locate/locate.ts'
import { isRefused, type Refused, refused } from '../refusal.ts'
import type { WaitUntil } from '../wait-until.ts'
import { type Desk, evaluate } from './evaluate.ts'
import { CONFIGURATION, configuration, EVALUATION, EVALUATIONS } from './paths.ts'

/** Makes what the routes of questions do, from the one that finds out who asks. */
export function accessRoute(
  identify: (attempt: Attempt, waitUntil: WaitUntil) => Promise<Subject | Refused>,
  desk: Desk,
  publicUrl: string | undefined,
) {
  return async (
    attempt: Attempt,
    crossOrigin: Record<string, string>,
    waitUntil: WaitUntil,
    beat: (rounds: number) => Promise<void>,
  ): Promise<Response | Refused> => {
    const { method, url } = attempt.request
    const path = rawPath(url)
    if (path === CONFIGURATION) {
      if (method !== 'GET') return refused('method_not_allowed')
      // Made from `Host` it would send an app's questions, and its token, wherever the caller says.
      if (publicUrl === undefined) return refused('path_invalid', 'This gate has no PUBLIC_URL to name here')
      const told = configuration(publicUrl)
      return Response.json(told, { headers: responseHeaders(crossOrigin) })
    }
    if (path !== EVALUATION && path !== EVALUATIONS) return refused('path_invalid')
    if (method !== 'POST') return refused('method_not_allowed')
    const subject = await identify(attempt, waitUntil)
    return isRefused(subject) ? subject : evaluate(attempt, path, subject, desk, crossOrigin, beat)
  }
}
