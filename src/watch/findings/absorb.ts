import type { Detection } from '../detection.ts'
import type { Finding } from '../finding.ts'
import { MAX_ABOUT } from '../finding.ts'
import { worse } from '../severity.ts'
import { mayRespond } from './clear.ts'

/** A finding absorbs repeats for as long as its last record is younger than this, in milliseconds. */
export const KEEP_ALIVE = 3_600_000
/** Older than this it absorbs nothing, in milliseconds. */
export const LONGEST: number = 24 * 3_600_000
/** So many of the first records, and of the last, are evidence. */
const EVIDENCE = 10

/** Returns a detection whose strings have a canonical JSON. Those of a record may be any, half a character included. */
export function wellFormed(detection: Detection): Detection {
  return JSON.parse(JSON.stringify(detection), (_, value: unknown) =>
    typeof value === 'string' ? value.toWellFormed() : value,
  )
}

type Keyed = Pick<Detection, 'rule' | 'tenant' | 'group'> & Pick<Finding, 'dry_run'>

/** Detections of one group, of the same rule and tenant, have the same key. Those of a rule that only tries have another. */
export function keyOf({ rule, tenant, group, dry_run }: Keyed): string {
  const members = Object.entries(group).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([rule, dry_run === true, tenant, ...members.flat()])
}

/** Returns whether a finding absorbs a detection of its group at a time, in milliseconds since 1970. */
export function absorbs({ state, first_seen, last_seen }: Finding, time: number): boolean {
  return state !== 'closed' && time - last_seen < KEEP_ALIVE && time - first_seen < LONGEST
}

/** Returns a finding without anything in it. */
export function emptyFinding(id: string, detection: Detection, time: number): Finding {
  const { rule, version, severity, tenant, group } = detection
  return {
    ...{ id, rule, version, severity, tenant, group, state: 'open', count: 0 },
    ...{ first_seen: time, last_seen: time },
    evidence: { first: [], last: [] },
    about: { subjects: [], recordings: [], releases: [] },
  }
}

/** Returns a finding with one more detection, of a record that was made at a time. */
export function withDetection(finding: Finding, detection: Detection, time: number): Finding {
  const { evidence, about } = finding
  const { record, subject, recording, recordings = [], release } = detection
  return {
    ...finding,
    version: detection.version,
    severity: worse(finding.severity, detection.severity),
    count: finding.count + 1,
    first_seen: Math.min(finding.first_seen, time),
    last_seen: Math.max(finding.last_seen, time),
    ...(mayRespond(detection) && { may_respond: true }),
    evidence: withEvidence(evidence, record),
    about: {
      subjects: withOne(about.subjects, subject ?? detection.group.subject),
      recordings: [recording ?? detection.group.recording, ...recordings].reduce(withOne, about.recordings),
      releases: withOne(about.releases, release ?? detection.group.release),
    },
  }
}

function withEvidence({ first, last }: Finding['evidence'], record: string): Finding['evidence'] {
  if (first.includes(record) || last.includes(record)) return { first, last }
  if (first.length < EVIDENCE) return { first: [...first, record], last }
  return { first, last: [...last, record].slice(-EVIDENCE) }
}

function withOne(all: readonly string[], one: string | undefined): readonly string[] {
  return one === undefined || all.length >= MAX_ABOUT || all.includes(one) ? all : [...all, one]
}
