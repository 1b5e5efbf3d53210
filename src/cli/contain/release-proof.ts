import { parseEvent } from '../../ledger/query/terms.ts'
import { parseGateUrl, tokenFor } from '../client.ts'
import { member } from '../json.ts'
import { LogReader } from '../log/log-reader.ts'
import type { CalledGate } from './console-call.ts'

/** How many pages of the log are read. The first records of a finding are on the first one, unless they waited in a spool. */
const MAX_PAGES = 5

/**
 * Returns whether a token proves that a finding is about a release: one of its records has it out of a token. A release that
 * only the header `Mediaward-App-Release` names may be any, also the one that all patients have.
 */
export async function isReleaseProven(gate: CalledGate, finding: unknown, release: string): Promise<boolean> {
  // Said only of a release that tokens prove, and kept when the records that did are no longer named.
  if (member(finding, 'rule') === 'RG-003' && member(finding, 'may_respond') === true) return true
  const evidence = new Set(
    ['first', 'last'].flatMap(name => {
      const ids = member(member(finding, 'evidence'), name)
      return Array.isArray(ids) ? (ids as readonly unknown[]) : []
    }),
  )
  const reader = new LogReader({
    gate: parseGateUrl(gate.url),
    token: () => tokenFor(gate.token, gate.data, 'security'),
    filters: { release },
    follow: false,
  })
  const since = new Date(Number(member(finding, 'first_seen') ?? 0)).toISOString()
  let pages = 0
  for await (const lines of reader.pages({ filters: {}, newest: false, since })) {
    for (const { id, release_proven } of lines.map(parseEvent))
      if (release_proven === true && evidence.has(id)) return true
    pages += 1
    if (pages >= MAX_PAGES) break
  }
  return false
}
