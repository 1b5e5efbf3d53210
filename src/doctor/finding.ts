import type { Entry } from '../authenticate/entry.ts'

/** How a check came out. A warning is something that works, and that the operator should know of. */
export type State = 'ok' | 'warning' | 'failed' | 'not_checked'

/** What a check found in one place. No member holds a secret. */
export interface Outcome {
  readonly state: State
  /** What was looked at, and what was found. */
  readonly found: string
  /** How to fix it, in one sentence. Absent if there is nothing to fix. */
  readonly fix?: string | undefined
  /** The name of the issuer's entry that it is about. */
  readonly entry?: string
  /** The `iss` that it is about, if the entry may have several. */
  readonly issuer?: string
}

/** What a check is about. */
export type Group = 'settings' | 'issuers' | 'keys' | 'storage' | 'sinks' | 'machine' | 'outside' | 'wrangler'

/** An outcome, with the check that it is of. */
export interface Finding extends Outcome {
  readonly group: Group
  readonly check: string
}

/** The checks of a group by their names. Each of them is pure: it judges facts that were found out before. */
export type Checks<Facts> = Readonly<Record<string, (facts: Facts) => Outcome | readonly Outcome[]>>

/** Runs the checks of a group. */
export function runChecks<Facts>(group: Group, checks: Checks<Facts>, facts: Facts): readonly Finding[] {
  return Object.entries(checks).flatMap(([check, run]) =>
    [run(facts)].flat().map(outcome => ({ group, check, ...outcome })),
  )
}

/** Reports what is as it should be. */
export const ok = (found: string): Outcome => ({ state: 'ok', found })

/** Reports what works, and what the operator should know of. */
export const warning = (found: string, fix: string): Outcome => ({ state: 'warning', found, fix })

/** Reports what doesn't work, or isn't safe. */
export const failed = (found: string, fix: string): Outcome => ({ state: 'failed', found, fix })

/** Reports what can't be known from here, and where it can. */
export const notChecked = (found: string, fix?: string): Outcome => ({ state: 'not_checked', found, fix })

/** Reports those of several findings that apply, or else that all is as it should be. */
export function allOr(fine: string, outcomes: readonly (Outcome | false | undefined)[]): readonly Outcome[] {
  const found = outcomes.filter(outcome => typeof outcome === 'object')
  return found.length > 0 ? found : [ok(fine)]
}

/** Says which entry an outcome is about. */
export const aboutEntry = (entry: string, outcome: Outcome): Outcome => ({ ...outcome, entry })

/** Says which entry an outcome is about, and for which of its issuers: those of a template share a name. */
export const aboutIssuer = ({ name, issuer }: Pick<Entry, 'name' | 'issuer'>, outcome: Outcome): Outcome => ({
  ...outcome,
  entry: name,
  issuer,
})

/** Counts findings by their state. */
export function countStates(findings: readonly Outcome[]): Record<State, number> {
  const counts = { ok: 0, warning: 0, failed: 0, not_checked: 0 }
  for (const { state } of findings) counts[state] += 1
  return counts
}
