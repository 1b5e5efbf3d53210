import { authorize } from '../authorize/authorize.ts'
import type { ConsoleAction } from '../authorize/decision.ts'
import type { Subject } from '../authorize/subject.ts'
import type { Containment } from '../control/containment.ts'
import { readJson } from '../http/read-json.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { authenticateBearer, type BearerServices } from './bearer.ts'

/** A caller of the console. */
export interface Analyst {
  readonly subject: Subject
  /** The only tenant that the analyst may look at and act on. Undefined if it may for all. */
  readonly tenant: string | undefined
}

/** What authenticating an analyst takes. */
export interface AnalystServices extends BearerServices {
  readonly containment: Containment
}

/** Authenticates a caller of the console, who must have a role for what is to be done. */
export async function authenticateAnalyst(
  context: RequestContext,
  action: ConsoleAction,
  services: AnalystServices,
): Promise<Analyst | Refusal> {
  const subject = await authenticateBearer(context, services)
  if (subject instanceof Refusal) return subject
  const revoked = await services.containment.refuseKnownRevoked(subject, context.waitUntil)
  if (revoked !== undefined) return revoked
  const decision = authorize({ subject, action })
  return decision instanceof Refusal ? decision : { subject, tenant: decision.tenant }
}

/** What a route of the console is for, and how much it reads. */
export interface AnalystRoute {
  readonly action: ConsoleAction
  /** The largest body, in bytes. */
  readonly most: number
}

/** What an analyst asks by POST. */
export interface AnalystCall {
  readonly analyst: Analyst
  readonly json: unknown
}

/**
 * Authenticates an analyst and reads what it asks, for a route of the console that takes POST alone. The body is read only
 * then: no other caller may hold a request open by it.
 */
export async function readAnalystCall(
  context: RequestContext,
  services: AnalystServices & { readonly bodyTimeouts: Required<BodyTimeouts> },
  { action, most }: AnalystRoute,
): Promise<AnalystCall | Refusal> {
  if (context.request.method !== 'POST') return new Refusal('method_not_allowed')
  const analyst = await authenticateAnalyst(context, action, services)
  if (analyst instanceof Refusal) return analyst
  const { json: timeout } = services.bodyTimeouts
  const body = await readJson(context.request, { most, invalid: 'query_invalid', timeout })
  return body instanceof Refusal ? body : { analyst, json: body.json }
}
