import { compact, type Deployment, type JsonObject, type LogEntry, ownMembers } from './entry.ts'
import { type Activity, factsOf } from './facts.ts'
import { ocsfMetadata } from './ocsf-metadata.ts'

const CLASS = 2004
const CATEGORY = 2
/** Create, update and close. */
const [CREATE, UPDATE, CLOSE] = [1, 2, 3]

const SEVERITIES: ReadonlyMap<unknown, number> = new Map([
  ['info', 1],
  ['low', 2],
  ['medium', 3],
  ['high', 4],
  ['critical', 5],
])
/** The states of a finding: new, in progress, suppressed, resolved. Of an action that says nothing of it, the state is unknown. */
const STATUSES: ReadonlyMap<unknown, number> = new Map([
  ['opened', 1],
  ['reopened', 1],
  ['unsuppressed', 1],
  ['assigned', 2],
  ['acknowledged', 2],
  ['suppressed', 3],
  ['closed', 4],
])
/** False positive, true positive, test. A true finding that is harmless is benign. */
const VERDICTS: ReadonlyMap<unknown, number> = new Map([
  ['false_positive', 1],
  ['true_positive', 2],
  ['test', 6],
  ['benign', 8],
])
/** What an analytic is: a rule. */
const RULE = 1

/** Renders the record of a finding as an event of OCSF 1.8.0, of the class Detection Finding. */
export function renderOcsfFinding(entry: LogEntry, deployment: Deployment): JsonObject {
  const { id, event } = entry
  const { rule, action, severity, subject } = event
  const facts = factsOf(entry)
  const activity = action === 'closed' ? CLOSE : activityOf(facts.activity)
  return {
    ...compact({
      class_uid: CLASS,
      category_uid: CATEGORY,
      activity_id: activity,
      type_uid: CLASS * 100 + activity,
      time: facts.time,
      severity_id: SEVERITIES.get(severity) ?? 0,
      message: facts.message,
      status_id: STATUSES.get(action) ?? 0,
      verdict_id: VERDICTS.get(ownMembers(entry).verdict),
      count: facts.count,
      is_alert: facts.level === 4 || undefined,
      finding_info: {
        // That of a suppression has no finding.
        uid: stringIn(event.finding) ?? id,
        title: facts.title,
        analytic: rule === undefined ? undefined : { type_id: RULE, uid: `${rule}`, name: `${rule}` },
        related_events: uidsIn(event.evidence),
      },
      assignee: uidOf(ownMembers(entry).assignee),
      ...ocsfMetadata(entry, deployment, facts.code),
      comment: subject === undefined ? undefined : `by ${subject}`,
      resources: facts.targets.map(({ recording }) => ({ uid: recording ?? 'unknown', type: 'recording' })),
    }),
    unmapped: ownMembers(entry),
  }
}

const activityOf = (activity: Activity): number => (activity === 'create' ? CREATE : UPDATE)
const stringIn = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
const uidOf = (value: unknown): JsonObject | undefined =>
  typeof value === 'string' ? { uid: value } : undefined
const uidsIn = (value: unknown): readonly JsonObject[] =>
  Array.isArray(value) ? value.map(uidOf).filter(one => one !== undefined) : []
