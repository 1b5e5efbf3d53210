/** What happened to a finding, or to what suppresses some. */
export type FindingAction =
  | 'opened'
  | 'raised'
  | 'actionable'
  | 'escalated'
  | 'joined'
  | 'suppressed'
  | 'unsuppressed'
  | 'assigned'
  | 'acknowledged'
  | 'commented'
  | 'closed'
  | 'reopened'
  | 'contained'
  | 'text_erased'
  | 'suppression_added'
  | 'suppression_ended'
  | 'canary_added'

/**
 * A finding came up, or something happened to it. The log writes these records itself: `gate.isolate` is `log`, and `gate.seq`
 * counts them from 1, for good. `subject` is the analyst who did it, if one did; `recording` and `release` are those that the
 * finding is grouped by.
 */
export interface FindingFacts {
  readonly kind: 'finding'
  readonly action: FindingAction
  /** Id of the finding. Absent if it is about a suppression or canaries. */
  readonly finding?: string
  /** Id of the rule. */
  readonly rule: string
  /** Version of the rule that found it last. */
  readonly version?: number
  /** The worst so far. */
  readonly severity?: 'info' | 'low' | 'medium' | 'high' | 'critical'
  /** What the finding is about, or what is suppressed: names of things, and pseudonyms. */
  readonly group: Readonly<Record<string, string>>
  /** Pseudonym of the subject that the finding is grouped by. */
  readonly about?: string
  /** How many detections it has. Of `canary_added`: how many canaries were added. */
  readonly count?: number
  /** Ids of the first ten records that were detected, and of the last ten. */
  readonly evidence?: readonly string[]
  /** Of a finding that joins others: their ids. */
  readonly related?: readonly string[]
  /** Id of the closed finding of the same group before it. */
  readonly previous?: string
  /** True if it was escalated, as no analyst had taken it up. */
  readonly escalated?: true
  /** True if the rule only tries what it would find. */
  readonly dry_run?: true
  /** Pseudonym of the analyst to whom it is assigned. */
  readonly assignee?: string
  /** What an analyst found it to be. */
  readonly verdict?: 'true_positive' | 'false_positive' | 'benign' | 'test'
  /** What was said, which is kept apart: its id, and its SHA-256 in hexadecimal. */
  readonly said?: { readonly id: string; readonly sha256: string }
  /** Id of the suppression. */
  readonly suppression?: string
  /** When the suppression begins, UTC, if that is later than when it was added. */
  readonly starts?: string
  /** When the suppression ends, UTC. */
  readonly expires?: string
  /** True if it is so clear that the gate may stop what it is about by itself. */
  readonly may_respond?: true
  /** Of `contained`: the number of the lockdown that stopped what it is about. */
  readonly epoch?: number
}
