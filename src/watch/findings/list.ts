import type { Finding } from '../finding.ts'
import type { FindingPage, FindingQuery } from '../finding-control.ts'
import { isAtLeast } from '../severity.ts'

/** Most findings that are looked at for one page, and in one step. */
const MAX_EXAMINED = 5_000
const STEP = 250

/**
 * Reads findings by falling id: those below one, or from the last one on.
 *
 * @param isUnclosed whether to read only those that are not closed
 */
export type ReadFindings = (
  below: string | undefined,
  limit: number,
  isUnclosed: boolean,
) => readonly Finding[] | Promise<readonly Finding[]>

/** Lists findings, as the port says. */
export async function listFindings(query: FindingQuery, read: ReadFindings): Promise<FindingPage> {
  const { state, limit } = query
  const isUnclosed = state !== 'all' && state !== 'closed'
  const findings: Finding[] = []
  let below = query.cursor
  for (let examined = 0; examined < MAX_EXAMINED; examined += STEP) {
    const some = await read(below, STEP, isUnclosed)
    for (const finding of some) {
      below = finding.id
      if (isListed(finding, query)) findings.push(finding)
      if (findings.length === limit) return { findings, cursor: below }
    }
    if (some.length < STEP) return { findings }
  }
  return below === undefined ? { findings } : { findings, cursor: below }
}

/** Returns whether a finding is what a query asks for. */
function isListed(finding: Finding, query: FindingQuery): boolean {
  const { tenant, state, severity, rule, subject, recording, release, since } = query
  const { subjects, recordings, releases } = finding.about
  return (
    (tenant === undefined || finding.tenant === tenant) &&
    (state === undefined ? finding.state !== 'closed' : state === 'all' || finding.state === state) &&
    (severity === undefined || isAtLeast(finding.severity, severity)) &&
    (rule === undefined || finding.rule === rule) &&
    (subject === undefined || [subject].flat().some(one => subjects.includes(one))) &&
    (recording === undefined || recordings.includes(recording)) &&
    (release === undefined || releases.includes(release)) &&
    (since === undefined || finding.last_seen >= since)
  )
}
