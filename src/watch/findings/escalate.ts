import type { Finding } from '../finding.ts'
import { isAtLeast } from '../severity.ts'

/** A finding that must not wait is escalated once it has waited so long, in milliseconds. */
export const ESCALATE_AFTER: number = 15 * 60_000

/** Returns a finding that says since when it has waited for an analyst. One that may wait says nothing of it. */
export function withWaiting(finding: Finding, now: number): Finding {
  const { waiting_since, ...rest } = finding
  return isUrgent(rest) ? { ...rest, waiting_since: waiting_since ?? now } : rest
}

/** Returns when a finding is to be escalated, in milliseconds since 1970: infinity if it has been, or may wait. */
export function escalatesAt({ waiting_since, escalated }: Finding): number {
  return waiting_since === undefined || escalated !== undefined
    ? Number.POSITIVE_INFINITY
    : waiting_since + ESCALATE_AFTER
}

/** Whether a finding alerts people, and none of them has taken it up. */
function isUrgent({ severity, state, acknowledged, suppressed_by, dry_run }: Finding): boolean {
  const isHeard = suppressed_by === undefined && dry_run !== true
  return isHeard && state === 'open' && acknowledged === undefined && isAtLeast(severity, 'high')
}
