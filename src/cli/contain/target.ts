import { member, stringMember } from '../json.ts'
import { UsageError } from '../terminal.ts'

/** What a lockdown can be about, the narrowest first. */
const SCOPES = ['session', 'subject', 'recording', 'release'] as const

/** What to lock down. */
export interface Target {
  readonly scope: string
  readonly value: string
}

/**
 * Returns what a finding is about, as narrowly as it can be named: a session before its person. What the finding is grouped by
 * comes first: one of a release must stop the release, and not the person who happened to show it.
 *
 * @param wanted what to stop instead
 * @throws UsageError
 */
export function targetOf(finding: unknown, wanted: string | undefined): Target {
  const group = member(finding, 'group')
  const scopes = wanted === undefined ? SCOPES : SCOPES.filter(scope => scope === wanted)
  const about = member(finding, 'about')
  for (const find of [
    (scope: string) => stringMember(group, scope),
    (scope: string) => theOnly(about, scope),
  ]) {
    for (const scope of scopes) {
      const value = find(scope)
      if (value !== undefined) return { scope, value }
    }
  }
  throw new UsageError(
    wanted === undefined ? 'the finding names nothing that can be stopped' : `the finding names no ${wanted}`,
    'see "lockdown add --help": a tenant or everything can be',
  )
}

/** Of findings that are grouped by something else, what all their records are about. */
function theOnly(about: unknown, scope: string): string | undefined {
  const values = member(about, `${scope}s`)
  return Array.isArray(values) && values.length === 1 && typeof values[0] === 'string' ? values[0] : undefined
}
