import { authorize } from '../authorize/authorize.ts'
import type { Subject } from '../authorize/subject.ts'
import { readJson } from '../http/read-json.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { authenticateBearer, type BearerServices } from './bearer.ts'

/** A caller who may read the log. */
export interface Analyst {
  readonly subject: Subject
  /** The only tenant whose records the analyst may read. Undefined if it may read those of all. */
  readonly tenant: string | undefined
}

/** Authenticates a caller of the console, which requires the role `security`. */
export async function authenticateAnalyst(
  context: RequestContext,
  services: BearerServices,
): Promise<Analyst | Refusal> {
  const subject = await authenticateBearer(context, services)
  if (subject instanceof Refusal) return subject
  const decision = authorize({ subject, action: 'audit' })
  return decision instanceof Refusal ? decision : { subject, tenant: decision.tenant }
}

/** What an analyst asks by POST. */
export interface AnalystCall {
  readonly analyst: Analyst
  readonly json: unknown
}

/**
 * Authenticates an analyst and reads what it asks, for a route of the console that takes POST alone. The body is read only
 * then: no other caller may hold a request open by it.
 *
 * @param most the largest body, in bytes
 */
export async function readAnalystCall(
  context: RequestContext,
  services: BearerServices & { readonly bodyTimeouts: Required<BodyTimeouts> },
  most: number,
): Promise<AnalystCall | Refusal> {
  if (context.request.method !== 'POST') return new Refusal('method_not_allowed')
  const analyst = await authenticateAnalyst(context, services)
  if (analyst instanceof Refusal) return analyst
  const { json: timeout } = services.bodyTimeouts
  const body = await readJson(context.request, { most, invalid: 'query_invalid', timeout })
  return body instanceof Refusal ? body : { analyst, json: body.json }
}
