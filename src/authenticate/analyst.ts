import { authorize } from '../authorize/authorize.ts'
import type { Subject } from '../authorize/subject.ts'
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
