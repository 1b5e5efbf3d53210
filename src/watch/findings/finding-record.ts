import { canonical } from '../../ledger/canonical.ts'
import { type EventHead, VERSION } from '../../ledger/event.ts'
import { eventId } from '../../ledger/event-id.ts'
import type { FindingFacts } from '../../ledger/facts/finding-facts.ts'
import type { LedgerEntry } from '../../ledger/ledger.ts'
import { parseEvent } from '../../ledger/query/terms.ts'
import type { Finding, Suppression } from '../finding.ts'

/** The rule that canaries are for. */
const CANARY_RULE = 'RG-040'

/** What a record says of what was done, beside the finding or suppression itself. */
export type Said = Pick<FindingFacts, 'action' | 'said' | 'epoch'> & {
  /** Pseudonym of the analyst who did it. */
  readonly by?: string
}

/** Who writes a record, with which number, and when. */
export interface Written {
  readonly seq: number
  /** In milliseconds since 1970. */
  readonly now: number
}

/** Creates the record of something that happened to a finding. */
export function findingRecord(finding: Finding, { by, ...said }: Said, written: Written): LedgerEntry {
  const { id, rule, version, severity, tenant, group, count, evidence, suppressed_by } = finding
  const { related, previous, escalated, dry_run, assignee, verdict, may_respond } = finding
  return recordOf(
    {
      ...{ kind: 'finding', ...said, finding: id, rule, version, severity, group: { ...group }, count },
      evidence: [...evidence.first, ...evidence.last],
      ...(suppressed_by && { suppression: suppressed_by }),
      ...(related && { related }),
      ...(previous && { previous }),
      ...(escalated !== undefined && { escalated: true as const }),
      ...(dry_run && { dry_run }),
      ...(assignee && { assignee }),
      ...(verdict && { verdict }),
      ...(may_respond && { may_respond }),
    },
    { tenant, by },
    written,
  )
}

/** Creates the record of something that happened to a suppression. */
export function suppressionRecord(
  { id, rule, group, tenant = 'default', starts, expires }: Suppression,
  { by, ...said }: Said,
  written: Written,
): LedgerEntry {
  const about = {
    ...{ rule, group: { ...group }, suppression: id, expires: new Date(expires).toISOString() },
    ...(starts !== undefined && { starts: new Date(starts).toISOString() }),
  }
  return recordOf({ kind: 'finding', ...said, ...about }, { tenant, by }, written)
}

/** Creates the record that canaries were added. It names none: a reader of the log could keep clear of them. */
export function canaryRecord(count: number, by: string, written: Written): LedgerEntry {
  const facts = { kind: 'finding', action: 'canary_added', rule: CANARY_RULE, group: {}, count } as const
  return recordOf(facts, { tenant: 'default', by }, written)
}

/** Returns whether a record is of a finding. Rules never see those: what they found would lead to further findings. */
export function isFindingRecord(json: string): boolean {
  // Parsing every record would cost more than looking at it. A look at the log may have these words inside, too.
  return json.includes('"kind":"finding"') && parseEvent(json).kind === 'finding'
}

/**
 * Returns the members that a delivery of a view has in its canonical JSON if a finding is about its subject or its recording.
 * They are looked for as strings: parsing all that is held would hold up the log.
 */
export function membersOf(findings: readonly Finding[]): readonly string[] {
  const members = findings.flatMap(({ about }) => [
    ...about.subjects.map(subject => `"subject":${JSON.stringify(subject)}`),
    ...about.recordings.map(recording => `"recording":${JSON.stringify(recording)}`),
  ])
  return [...new Set(members)]
}

function recordOf(
  facts: FindingFacts,
  { tenant, by }: { readonly tenant: string; readonly by: string | undefined },
  { seq, now }: Written,
): LedgerEntry {
  const id = eventId(now)
  const t = new Date(now).toISOString()
  const { subject, recording, release } = facts.group
  const head: EventHead = {
    ...{ v: 1, id, t, recorded: t, tenant, gate: { version: VERSION, isolate: 'log', seq } },
    ...(by !== undefined && { subject: by }),
    ...(recording !== undefined && { recording }),
    ...(release !== undefined && { release }),
  }
  return { id, json: canonical({ ...head, ...facts, ...(subject !== undefined && { about: subject }) }) }
}
