import { LruCache } from '../../base/lru-cache.ts'
import type { Detection } from '../detection.ts'
import type { Finding } from '../finding.ts'
import { keyOf } from './absorb.ts'

/** What different rules find of one subject, or of one release, within so many milliseconds belongs together. */
const TOGETHER = 3_600_000
/** Most subjects and releases that are remembered. */
const MAX_REMEMBERED = 5_000

/** The findings that join those of several rules: their ids and what they are grouped by. */
export const JOINING = [
  ['RG-100', 'subject'],
  ['RG-101', 'release'],
] as const
/** A field by which findings are joined. */
export type JoiningField = (typeof JOINING)[number][1]

/** Returns whether a rule joins the findings of others. */
export const isJoining = (rule: string): boolean => JOINING.some(([id]) => id === rule)

/** Version of the way in which findings are joined. */
export const JOINING_VERSION = 1

/** A subject or a release, within a tenant. */
export interface Shared {
  readonly field: JoiningField
  readonly tenant: string
  readonly value: string
}

/** Returns what a detection of a finding is about, so that it can be joined with others. */
export function sharedOf(
  detection: Detection,
  finding: Finding,
): readonly (Shared & { readonly rule: string })[] {
  const { tenant, group, release = group.release } = detection
  const subject = group.subject ?? (isOfOne(finding) ? detection.subject : undefined)
  const values = { subject, release }
  return JOINING.flatMap(([rule, field]) => {
    const value = values[field]
    return value === undefined ? [] : [{ rule, field, tenant, value }]
  })
}

/**
 * Whether a finding is one person's. A bug that hits ten thousand patients would join one about a release, or about a recording
 * that all of them ask for, to the finding of each of them.
 */
const isOfOne = ({ group, about }: Finding): boolean =>
  group.release === undefined && Object.keys(group).length > 0 && about.subjects.length <= 1

/** Which findings were lately about the same subject or release. */
export class Neighbours {
  /** Of each rule, the key of its last finding and when its last record was made. */
  readonly #known = new LruCache<Map<string, { readonly key: string; readonly time: number }>>(MAX_REMEMBERED)

  /** Notes a finding, as it is loaded. */
  load(finding: Finding): void {
    const { rule, tenant, group, about, last_seen } = finding
    if (isJoining(rule)) return
    const key = keyOf(finding)
    const subject = group.subject ?? (isOfOne(finding) ? about.subjects[0] : undefined)
    if (subject !== undefined) this.note({ field: 'subject', tenant, value: subject }, rule, key, last_seen)
    for (const value of about.releases) this.note({ field: 'release', tenant, value }, rule, key, last_seen)
  }

  /** Notes a detection of a rule. Returns the keys of all findings that were about the same within an hour, each of another rule. */
  note({ field, tenant, value }: Shared, rule: string, key: string, time: number): readonly string[] {
    const name = JSON.stringify([field, tenant, value])
    const rules = this.#known.get(name) ?? new Map<string, { readonly key: string; readonly time: number }>()
    rules.set(rule, { key, time: Math.max(time, rules.get(rule)?.time ?? 0) })
    for (const [other, { time: last }] of rules) if (Math.abs(time - last) >= TOGETHER) rules.delete(other)
    this.#known.set(name, rules)
    return [...rules.values()].map(one => one.key)
  }
}
