import { isTenantName } from '../authorize/rules/tenant.ts'
import type { NewRestriction, Scope } from '../control/restriction.ts'
import type { Finding } from '../watch/finding.ts'
import type { RespondedRule } from '../watch/findings/clear.ts'

/** How long a subject is blocked whose session has no name, in milliseconds. */
const BLOCKED = 15 * 60_000

/** What is stopped, and for how long. */
interface Target {
  readonly scope: Scope
  readonly value: string | undefined
  readonly lasts?: number
}

/** What a finding of each rule has stopped, as narrowly as it can be named. */
const TARGETS: Readonly<Record<RespondedRule, (group: Finding['group']) => Target>> = {
  'RG-002': ({ session, subject }) =>
    session === undefined
      ? { scope: 'subject', value: subject, lasts: BLOCKED }
      : { scope: 'session', value: session },
  'RG-003': ({ release }) => ({ scope: 'release', value: release }),
  'RG-022': ({ recording }) => ({ scope: 'recording', value: recording }),
}

const REASONS: Readonly<Record<RespondedRule, string>> = {
  'RG-002': 'The gate did this by itself: one login asked for ten recordings of others within a minute.',
  'RG-003': 'The gate did this by itself: two users of this release asked for recordings of others.',
  'RG-022': 'The gate did this by itself: the owner of this recording changed after it was played.',
}

/**
 * Returns the lockdown that stops what a finding is about. Undefined if it names nothing that can be stopped: what hits very many at
 * once has no group of its own.
 */
export function restrictionFor(finding: Finding, now: number): NewRestriction | undefined {
  const rule = finding.rule as RespondedRule
  const { scope, value, lasts } = TARGETS[rule](finding.group)
  const { id, tenant } = finding
  // The log can't name the tenant, so a freeze could not be kept to it.
  const isWide = scope === 'release' && tenant === 'unnamed'
  if (value === undefined || isWide) return undefined
  return {
    ...{ kind: 'lockdown', scope, value, at: now, by: rule, reason: REASONS[rule], finding: id },
    // Records have other names for what has none.
    ...(isTenantName(tenant) && { tenant }),
    ...(lasts !== undefined && { until: now + lasts }),
  }
}
