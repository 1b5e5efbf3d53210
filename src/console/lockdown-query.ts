import { isTenantName } from '../authorize/rules/tenant.ts'
import type { NewRestriction, Scope } from '../control/restriction.ts'
import { isRelease } from '../ledger/head.ts'
import { isPseudonym } from '../ledger/pseudonym.ts'
import { isRecording } from '../locate/names.ts'
import type { Refusal } from '../refusal.ts'
import { invalidQuery, isTime } from './query.ts'

type Members = Readonly<Record<string, unknown>>

/** Longest reason, in characters. */
const MAX_REASON = 500

/** What the value of a scope must be. Of those that are not here, no lockdown can be made. */
const VALUES: Readonly<Partial<Record<Scope, readonly [(value: string) => boolean, string]>>> = {
  recording: [isRecording, "a recording's id"],
  subject: [isPseudonym, 'a pseudonym, as the log has it: "psn_" and 32 digits'],
  session: [isPseudonym, 'a pseudonym, as the log has it: "psn_" and 32 digits'],
  release: [isRelease, 'a release, as in "4.12.0"'],
  tenant: [
    isTenantName,
    'the name of a tenant: "default" is what records call what has no tenant, and "unnamed" a name that they can not hold. To stop those, lock down everything',
  ],
  everything: [() => false, ''],
}

/** A lockdown that is asked for. */
export type AskedLockdown = Pick<NewRestriction, 'scope' | 'value' | 'until' | 'uploads' | 'finding'> & {
  readonly reason: string
}

/**
 * Reads what is to be locked down.
 *
 * @param now in milliseconds since 1970
 */
export function readLockdown(json: unknown, now: number): AskedLockdown | Refusal {
  const { scope, value, until, uploads, finding, ...rest } = Object(json) as Members
  const known = Object.keys(VALUES).find(one => one === scope) as Scope | undefined
  const rule = known && VALUES[known]
  if (known === undefined || rule === undefined)
    return invalidQuery(`scope must be one of ${Object.keys(VALUES).join(', ')}`)
  const [isValue, what] = rule
  if (known === 'everything' ? value !== undefined : typeof value !== 'string' || !isValue(value)) {
    return invalidQuery(
      known === 'everything' ? 'value must be left out for everything' : `value must be ${what}`,
    )
  }
  const reason = readReason(rest)
  if (typeof reason !== 'string') return reason
  const ends = typeof until === 'string' && isTime(until) ? Date.parse(until) : undefined
  if (until !== undefined && (ends === undefined || ends <= now)) {
    return invalidQuery('until must be a time to come, in UTC as in 2026-11-22T10:24:03Z')
  }
  const isOfUploads = known === 'release' || known === 'everything'
  if (uploads !== undefined && (typeof uploads !== 'boolean' || !isOfUploads)) {
    return invalidQuery(
      'uploads may be true for release and everything: the other scopes always stop storing',
    )
  }
  if (finding !== undefined && (typeof finding !== 'string' || !/^[0-9a-f-]{36}$/.test(finding))) {
    return invalidQuery('finding must be the id of a finding')
  }
  return {
    ...{ scope: known, reason },
    ...(typeof value === 'string' && { value }),
    ...(ends !== undefined && { until: ends }),
    ...(uploads === true && { uploads }),
    ...(typeof finding === 'string' && { finding }),
  }
}

/** Reads which lockdown is to be undone, and why. */
export function readUndo(json: unknown): { readonly epoch: number; readonly reason: string } | Refusal {
  const { epoch, ...rest } = Object(json) as Members
  if (!Number.isSafeInteger(epoch) || (epoch as number) < 1) {
    return invalidQuery('epoch must be the number of a lockdown in force')
  }
  const reason = readReason(rest)
  return typeof reason === 'string' ? { epoch: epoch as number, reason } : reason
}

function readReason({ reason, ...others }: Members): string | Refusal {
  const [unknown] = Object.keys(others)
  if (unknown !== undefined) return invalidQuery('the call has a member that is not known')
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > MAX_REASON) {
    return invalidQuery(`reason must say why, in at most ${MAX_REASON} characters`)
  }
  return reason
}
