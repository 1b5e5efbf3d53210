import type { GroupField } from './detection.ts'
import { Rules } from './engine/engine.ts'
import type { RespondedRule } from './findings/clear.ts'
import { JOINING } from './findings/neighbours.ts'
import { RULES, ruleOf } from './rules/rules.ts'
import type { RuleTraits, Watching } from './watching.ts'

/** Titles of what several rules find together. */
export const JOINED: Readonly<Record<string, string>> = {
  'RG-100': 'Several rules found something about one subject',
  'RG-101': 'Several rules found something about one release of the app',
}

/** The ids of the rules that may only try: what is never suppressed is always heard. */
export const TRIABLE_IDS: readonly string[] = [
  ...RULES.filter(({ canSuppress }) => canSuppress).map(({ id }) => id),
  ...Object.keys(JOINED),
]

/** The ids of all rules. */
export const RULE_IDS: readonly string[] = [...RULES.map(({ id }) => id), ...Object.keys(JOINED)]

/** The ids of the rules whose findings are usually critical. */
export const CRITICAL_IDS: readonly string[] = RULES.filter(({ severity }) => severity === 'critical').map(
  ({ id }) => id,
)

/** Returns what a rule finds, in one line. */
export const titleOf = (rule: string): string => ruleOf(rule)?.title ?? JOINED[rule] ?? 'a finding'

/** Fields that a rule falls back on if a record has none of its own. */
const FALLBACK: Readonly<Record<string, readonly GroupField[]>> = { 'RG-005': ['subject'] }

/** Returns what the findings of a rule may be grouped by, beside those of a crowd: of a release, or of nothing. */
export function fieldsOf(rule: string): readonly GroupField[] {
  const joined = JOINING.flatMap(([id, field]) => (id === rule ? field : []))
  return [...(ruleOf(rule)?.group ?? joined), ...(FALLBACK[rule] ?? [])]
}

/** What a deployment says of its rules. */
export interface WatchOptions {
  /** Rules that only try what they would find: they alert no one. */
  readonly dryRun?: readonly string[]
}

/** All that a deployment says of its rules. */
export interface RuleSettings extends WatchOptions {
  /** Rules to whose findings the gate responds by itself. */
  readonly respond?: readonly RespondedRule[]
}

/** Puts the rules in force. */
export function watchWith({ dryRun = [] }: WatchOptions = {}): Watching {
  return {
    engine: canaries => new Rules(canaries === undefined ? {} : { canaries }),
    rule: (id): RuleTraits => ({
      canSuppress: ruleOf(id)?.canSuppress ?? true,
      dryRun: dryRun.includes(id),
      group: fieldsOf(id),
    }),
  }
}
