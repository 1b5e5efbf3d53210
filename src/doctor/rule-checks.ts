import { CRITICAL_IDS, RULE_IDS, type RuleSettings } from '../watch/in-force.ts'
import { type Checks, type Outcome, ok, warning } from './finding.ts'

/** How the rules are set. Undefined if that is not known here. */
export interface RuleFacts {
  readonly rules: RuleSettings | undefined
  /** Whether rules watch the log. */
  readonly isWatched: boolean
}

/** Whether the gate notices an incident. */
export const RULE_CHECKS: Checks<RuleFacts> = {
  /** Rules watch the log, none that finds the worst only tries, and the gate responds to what `RESPOND` names. */
  rules({ rules, isWatched }) {
    if (!isWatched) {
      return warning(
        'no rules watch the log, so no incident is noticed',
        'use a log that has them, as "cloudflare(env)" and "local({ data })" give',
      )
    }
    return rules === undefined ? ok(`${RULE_IDS.length} rules watch the log`) : judgeRules(rules)
  },
}

/** Judges which rules are on, which of them only try, and to which the gate responds by itself. */
export function judgeRules({ dryRun = [], respond = [] }: RuleSettings): Outcome {
  const tries = RULE_IDS.filter(id => dryRun.includes(id))
  const responds = RULE_IDS.filter(id => respond.some(one => one === id))
  const found = [
    `rules that are on: ${RULE_IDS.length - tries.length} of ${RULE_IDS.length}`,
    tries.length === 0 ? 'none only tries' : `these only try, and alert no one: ${tries.join(', ')}`,
    responds.length === 0
      ? 'the gate responds to none by itself'
      : `the gate responds by itself to ${responds.join(', ')}`,
  ].join('; ')
  const idle = responds.filter(id => tries.includes(id))
  if (idle.length > 0) {
    const fix = `take ${idle.join(', ')} out of RULES_DRY_RUN: the gate does not respond to a rule that only tries`
    return warning(found, fix)
  }
  const critical = tries.filter(id => CRITICAL_IDS.includes(id))
  return critical.length === 0
    ? ok(found)
    : warning(found, `take the critical ones out of RULES_DRY_RUN: ${critical.join(', ')}`)
}
