import { Rules } from './engine/engine.ts'
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

/** Returns what a rule finds, in one line. */
export const titleOf = (rule: string): string => ruleOf(rule)?.title ?? JOINED[rule] ?? 'a finding'

/** What a deployment says of its rules. */
export interface WatchOptions {
  /** Rules that only try what they would find: they alert no one. */
  readonly dryRun?: readonly string[]
}

/** Puts the rules in force. */
export function watchWith({ dryRun = [] }: WatchOptions = {}): Watching {
  return {
    engine: canaries => new Rules(canaries === undefined ? {} : { canaries }),
    rule: (id): RuleTraits => ({
      canSuppress: ruleOf(id)?.canSuppress ?? true,
      dryRun: dryRun.includes(id),
    }),
  }
}
