import type { Stage } from '../reason.ts'
import { compact, type Deployment, type JsonObject, type LogEntry, ownMembers } from './entry.ts'
import { type Activity, factsOf } from './facts.ts'
import { renderOcsfFinding } from './ocsf-finding.ts'
import { ocsfMetadata } from './ocsf-metadata.ts'

// API Activity is the class of every kind but findings, so that one table holds them all:
// - access, view, delivery: it has the actor, the request, the resource with its owner, and the decision together. HTTP
//   Activity (4002) has no resource. Datastore Activity (6005) is about the bucket, which a refused request never reaches.
//   Web Resource Access Activity (6004) is deprecated.
// - access for a bad token: Authentication (3002) has no resource, so the recording that it was sent for would be lost.
// - ticket: a ticket grants nothing by itself, so it is no Authorize Session (3003).
// - listed, console: a call of the API that reads.
const CLASS = 6003
const CATEGORY = 6
const ACTIVITIES: Readonly<Record<Activity, number>> = { create: 1, read: 2, change: 3, delete: 4, other: 99 }
const STATUS = { unknown: 0, success: 1, failure: 2 }

const REJECTED: readonly (Stage | undefined)[] = ['credential', 'token', 'proof', 'ticket']

/**
 * Renders a record as an event of OCSF 1.8.0: that of a finding of the class Detection Finding, all others of API Activity,
 * with the profiles `cloud` and `security_control`.
 * `unmapped` is the record itself, with its index.
 */
export function renderOcsf(entry: LogEntry, deployment: Deployment): JsonObject {
  const { id, event } = entry
  if (event.kind === 'finding') return renderOcsfFinding(entry, deployment)
  const { host } = deployment
  const { subject, session, issuer, client, net, method, status, reason, decision } = event
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
      ...ocsfMetadata(entry, deployment, facts.code),
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
