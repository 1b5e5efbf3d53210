import { member, stringMember } from '../json.ts'
import type { DrillCalls } from './drill-calls.ts'

/** A finding as the gate lists it. */
export interface ListedFinding {
  readonly id: string
  /** Whether an analyst has closed it. */
  readonly isClosed: boolean
  readonly finding: unknown
}

/** Lists the newest findings: those that are not closed, or all. */
export async function listFindings(
  calls: DrillCalls,
  analyst: string,
  state?: 'all',
): Promise<readonly ListedFinding[]> {
  const path = `/console/api/findings?limit=500${state === undefined ? '' : `&state=${state}`}`
  const findings = member(await calls.console(path, analyst), 'findings')
  return (Array.isArray(findings) ? (findings as readonly unknown[]) : []).map(finding => ({
    id: `${member(finding, 'id')}`,
    isClosed: member(finding, 'state') === 'closed',
    finding,
  }))
}

/** Returns the release that a finding is grouped by. */
export const releaseOf = (finding: unknown): string | undefined =>
  stringMember(member(finding, 'group'), 'release')

/** Returns whom or what a finding is about. */
export function namesIn(finding: unknown, what: 'subjects' | 'recordings'): readonly unknown[] {
  const names = member(member(finding, 'about'), what)
  return Array.isArray(names) ? names : []
}

/** Returns whether a finding is about a recording of a drill. */
export const namesDrill = (finding: unknown): boolean =>
  namesIn(finding, 'recordings').some(name => `${name}`.startsWith('drill-'))
