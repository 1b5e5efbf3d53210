import { hexOf } from '../../base/bytes.ts'
import { eventId } from '../../ledger/event-id.ts'
import type { FindingAction } from '../../ledger/facts/finding-facts.ts'
import type { Finding, FindingText } from '../finding.ts'
import { type ActRefusal, type FindingAct, MAX_TEXT } from '../finding-control.ts'
import type { Said } from './finding-record.ts'

/** What something that an analyst does comes to. */
export interface ActedFinding {
  readonly finding: Finding
  readonly said: Said
}

const ACTIONS: Readonly<Record<FindingAct['action'], FindingAction>> = {
  assign: 'assigned',
  acknowledge: 'acknowledged',
  comment: 'commented',
  close: 'closed',
  reopen: 'reopened',
  contain: 'contained',
}

/** Returns what a finding becomes when an analyst does something to it, or why it can't be done. */
export function acted(
  finding: Finding,
  act: FindingAct,
  text: FindingText | undefined,
  now: number,
): ActedFinding | ActRefusal {
  const { action, by, assignee, verdict, epoch, tenant } = act
  if (tenant !== undefined && tenant !== finding.tenant) return 'unknown'
  const said: Said = {
    action: ACTIONS[action],
    // A rule is no person.
    ...(by !== finding.rule && { by }),
    ...(epoch !== undefined && { epoch }),
    ...(text && { said: { id: text.id, sha256: text.sha256 } }),
  }
  const isClosed = finding.state === 'closed'
  if (action === 'comment') return text === undefined ? 'incomplete' : { finding, said }
  if (action === 'reopen') {
    if (!isClosed) return 'not_closed'
    // It waits for an analyst as a new one does.
    const { verdict, acknowledged, escalated, ...open } = finding
    return { finding: { ...open, state: 'open' }, said }
  }
  if (isClosed) return 'closed'
  if (action === 'contain') {
    if (epoch === undefined) return 'incomplete'
    if (finding.contained !== undefined) return 'contained'
    return { finding: { ...finding, contained: { at: now, by, epoch } }, said }
  }
  const reviewed = { ...finding, state: 'under_review' } as const
  if (action === 'assign')
    return assignee === undefined ? 'incomplete' : { finding: { ...reviewed, assignee }, said }
  if (action === 'acknowledge') {
    const acknowledged = finding.acknowledged ?? { at: now, by }
    return { finding: { ...reviewed, acknowledged }, said }
  }
  if (verdict === undefined) return 'incomplete'
  return { finding: { ...finding, state: 'closed', verdict }, said }
}

/** Returns whether a text may be kept. */
export const isText = (text: string): boolean =>
  text.trim() !== '' && text.length <= MAX_TEXT && text.isWellFormed()

/** Returns a text as it is kept, about a finding or a suppression. */
export async function keptText(text: string, of: string, by: string, now: number): Promise<FindingText> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return { id: eventId(now), of, by, at: now, sha256: hexOf(new Uint8Array(digest)), text }
}
