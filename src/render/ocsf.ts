import type { Stage } from '../reason.ts'
import { compact, type Deployment, type JsonObject, type LogEntry, ownMembers } from './entry.ts'
import { type Activity, factsOf } from './facts.ts'

// API Activity is the class of every kind: one table answers for all of them. It is the only class that isn't deprecated,
// and has the actor, the request, its answer, the resource with its owner, and the decision together. Authentication (3002)
// has no resource, so a bad token would lose the recording that it was sent for; HTTP Activity (4002) has none either;
// Datastore Activity (6005) describes the bucket, which a refused request never reaches.
const CLASS = 6003
const CATEGORY = 6
const ACTIVITIES: Readonly<Record<Activity, number>> = { create: 1, read: 2, change: 3, delete: 4, other: 99 }
const STATUS = { unknown: 0, success: 1, failure: 2 }

const REJECTED: readonly (Stage | undefined)[] = ['credential', 'token', 'proof', 'ticket']

/**
 * Renders a record as an event of OCSF 1.8.0, of the class API Activity with the profiles `cloud` and `security_control`.
 * `unmapped` is the record itself, with its index.
 */
export function renderOcsf(entry: LogEntry, { vendor, product, host, platform }: Deployment): JsonObject {
  const { index, id, event } = entry
  const { subject, session, issuer, client, net, gate, method, status, reason, decision } = event
  const facts = factsOf(entry)
  const activity = ACTIVITIES[facts.activity]
  return {
    ...compact({
      class_uid: CLASS,
      category_uid: CATEGORY,
      activity_id: activity,
      activity_name: activity === 99 ? facts.operation : undefined,
      type_uid: CLASS * 100 + activity,
      time: facts.time,
      severity_id: facts.level,
      message: facts.message,
      status_id: STATUS[facts.outcome],
      status_code: status === undefined ? undefined : `${status}`,
      status_detail: reason,
      count: facts.count,
      action_id: decision && (decision === 'permit' ? 1 : 2),
      disposition_id: decision && dispositionOf(decision, facts.stage),
      is_alert: facts.level === 4 || undefined,
      authorizations: [{ decision }],
      metadata: {
        version: '1.8.0',
        product: { name: product, vendor_name: vendor, version: gate.version },
        profiles: ['cloud', 'security_control'],
        uid: id,
        sequence: index,
        event_code: facts.code,
        tenant_uid: event.tenant,
        logged_time: Date.parse(event.recorded ?? event.t),
      },
      cloud: { provider: platform },
      actor: {
        user: { uid: subject },
        session: { uid: session, issuer },
        app_uid: client,
        // The class wants to know something of the actor, and nothing is known of a caller without a good token.
        app_name: (subject ?? session ?? issuer ?? client) === undefined ? 'unknown' : undefined,
      },
      api: {
        operation: facts.operation,
        request: { uid: id },
        response: { code: status, error: reason },
      },
      src_endpoint: {
        uid: net?.ip,
        name: net?.prefix ?? 'unknown',
        location: { country: net?.country },
        autonomous_system: { number: net?.asn },
      },
      dst_endpoint: { hostname: host },
      http_request: { http_method: method === 'other' ? undefined : method },
      http_response: { code: status },
      resources: facts.targets.map(({ recording, owner, decision, reason }) => ({
        uid: recording ?? 'unknown',
        type: 'recording',
        owner: { uid: owner },
        data: { decision, reason },
      })),
    }),
    unmapped: ownMembers(entry),
  }
}

/** 1 allowed; 25 rejected, for who asked; 26 unauthorized, for what was asked; 27 error of ours; 2 blocked. */
function dispositionOf(decision: 'permit' | 'deny', stage: Stage | undefined): number {
  if (decision === 'permit') return 1
  if (REJECTED.includes(stage)) return 25
  if (stage === 'policy' || stage === undefined) return 26
  return stage === 'fault' ? 27 : 2
}
