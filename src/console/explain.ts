import type { AnalystRoute, AnalystServices } from '../authenticate/analyst.ts'
import type { PlaybackServices } from '../authenticate/playback.ts'
import { nameSpaceOf } from '../authorize/subject.ts'
import { present } from '../base/present.ts'
import { explain } from '../explain/explain.ts'
import type { Explanation } from '../explain/explanation.ts'
import { attemptOf, readQuestion } from '../explain/question.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { jsonResponse } from '../http/response-headers.ts'
import { observe, tenantOf } from '../ledger/head.ts'
import type { Pseudonym } from '../ledger/pseudonym.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { Endpoint, RequestContext } from '../request-context.ts'
import { analystCallEndpoint } from './analyst-endpoint.ts'

/** Most bytes of a call: those of a token that is too long, and the rest. */
const ROUTE: AnalystRoute = { action: 'operate', most: 65_536 }

/** What explaining takes beside the request. */
export interface ExplainServices extends PlaybackServices, AnalystServices {
  readonly record: Recorder
  readonly pseudonym: Pseudonym
  readonly concealedStatus: 403 | 404
  readonly bodyTimeouts: Required<BodyTimeouts>
}

/**
 * Creates the endpoint that explains what the gate would answer to a token. Requires the role `security`. That it was
 * asked is on record before the answer leaves; the token is in neither.
 *
 * @param recordings the endpoint that plays: it tries the request
 */
export function explainEndpoint(services: ExplainServices, recordings: Endpoint): Endpoint {
  return analystCallEndpoint(services, ROUTE, async (context, { analyst: { tenant }, json }) => {
    const question = readQuestion(json)
    if (question instanceof Refusal) return question

    const { waitUntil, now } = context
    const { explanation, context: tried } = await explain(question, {
      ...{ waitUntil, now },
      attempt: attemptOf(question, services, request => recordings.handle(request)),
      entries: services.issuers.entries,
      concealedStatus: services.concealedStatus,
      isOffline: false,
      // One tenant's analyst must not learn of the locations of others.
      locations: tenant === undefined ? services.locations : [],
      nameOf: (id, of) =>
        of === undefined
          ? `a string of ${id.length} characters`
          : services.pseudonym('subject', nameSpaceOf(of), id),
    })
    if (tried.ref !== undefined) context.ref = tried.ref
    // As in the log: what no token proves, and no recording of the tenant, is not for a reader of one tenant.
    if (tenant !== undefined && !tenantsIn(tried).includes(tenant)) return new Refusal('tenant_mismatch')
    await record(context, tried, explanation, services)
    return jsonResponse(explanation)
  })
}

/** Whose a record of the tried request would be. */
const tenantsIn = ({ subject, ownership }: RequestContext): readonly string[] =>
  [subject?.tenant, ownership?.tenant].flatMap(tenant => (tenant === undefined ? [] : tenantOf(tenant)))

/** Records who asked, about whom and which recording, and what the answer was. */
async function record(
  context: RequestContext,
  { subject, ownership }: RequestContext,
  { decision, status, reason, entry, claim }: Explanation,
  services: ExplainServices,
): Promise<void> {
  if (ownership !== undefined) context.ownership = ownership
  const about = subject && (await services.pseudonym('subject', nameSpaceOf(subject), subject.id))
  const explained = { decision, status, ...present({ reason, entry, claim }) }
  await services
    .record(observe(context), {
      kind: 'console',
      decision: 'permit',
      action: 'explain',
      explained,
      ...present({ about }),
    })
    .catch(Fault.as('ledger_unavailable'))
}
