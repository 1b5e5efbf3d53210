import type { LedgerEntry } from '../ledger/ledger.ts'
import type { GroupField } from './detection.ts'
import type { Severity } from './severity.ts'

/** What an analyst can find a finding to be. */
export const VERDICTS = ['true_positive', 'false_positive', 'benign', 'test'] as const
/** One of {@link VERDICTS}. */
export type Verdict = (typeof VERDICTS)[number]

/** The states of a finding. */
export const STATES = ['open', 'under_review', 'closed'] as const
/** One of {@link STATES}. */
export type FindingState = (typeof STATES)[number]

/** What findings are grouped by, with values: names of things, and pseudonyms of people. */
export type Group = Readonly<Partial<Record<GroupField, string>>>

/** What a rule found of one group, repeats included. All times are in milliseconds since 1970. */
export interface Finding {
  /** UUIDv7. */
  readonly id: string
  readonly rule: string
  /** Version of the rule that found it last. */
  readonly version: number
  /** The worst so far. */
  readonly severity: Severity
  readonly tenant: string
  readonly group: Group
  readonly state: FindingState
  /** Of a closed one. */
  readonly verdict?: Verdict
  /** How many detections it has. */
  readonly count: number
  /** When the first and the last of its records were made. */
  readonly first_seen: number
  readonly last_seen: number
  /** Ids of its records: the first ten, and the last ten of those after them. */
  readonly evidence: { readonly first: readonly string[]; readonly last: readonly string[] }
  /** Who, what and which release its records are about: the first {@link MAX_ABOUT} of each. */
  readonly about: {
    readonly subjects: readonly string[]
    readonly recordings: readonly string[]
    readonly releases: readonly string[]
  }
  /** Pseudonym of the analyst who has it. */
  readonly assignee?: string
  /** When it was acknowledged first, and the pseudonym of the analyst. */
  readonly acknowledged?: { readonly at: number; readonly by: string }
  /** Since when it has waited for an analyst, if it is one that must not wait. */
  readonly waiting_since?: number
  /** When it was said that it has waited too long. */
  readonly escalated?: number
  /** True if it is so clear that the gate may respond by itself. */
  readonly may_respond?: true
  /** When what it is about was locked down, by whom (a rule, or an analyst's pseudonym), and the number of the lockdown. */
  readonly contained?: { readonly at: number; readonly by: string; readonly epoch: number }
  /** Id of the suppression that keeps it from being alerted. */
  readonly suppressed_by?: string
  /** Of one that joins several: their ids. */
  readonly related?: readonly string[]
  /** Id of the closed finding of the same rule, tenant and group before it. */
  readonly previous?: string
  /** True if its rule only tries what it would find: it is never alerted. */
  readonly dry_run?: true
}

/** Most subjects, recordings and releases that a finding names of each. Its records, which `evidence` leads to, have them all. */
export const MAX_ABOUT = 64

/** As the rule of a suppression: all rules whose findings may be suppressed. */
export const ALL_RULES = '*'

/** Keeps findings of a rule from being alerted, or those of {@link ALL_RULES} while something is being worked on. */
export interface Suppression {
  /** UUIDv7. */
  readonly id: string
  readonly rule: string
  /** It applies to findings whose group has all of these values. */
  readonly group: Group
  /** Only findings of this tenant. Default: of all. */
  readonly tenant?: string
  /** Pseudonym of the analyst who answers for it. */
  readonly owner: string
  /** In milliseconds since 1970. */
  readonly created: number
  /** When it begins. Default: when it was created. */
  readonly starts?: number
  /** At most {@link MAX_SUPPRESSION} after `created`. */
  readonly expires: number
  /** When it was ended before its time. */
  readonly ended?: number
  /** How many detections it was applied to. */
  readonly hits: number
}

/** The longest that a suppression lasts, in milliseconds. */
export const MAX_SUPPRESSION: number = 30 * 24 * 3_600_000

/** Free text of an analyst: a comment or a reason. It is kept apart from everything else, and can be erased. */
export interface FindingText {
  /** UUIDv7. */
  readonly id: string
  /** Id of the finding or the suppression that it is about. */
  readonly of: string
  /** Pseudonym of the analyst. */
  readonly by: string
  readonly at: number
  /** Of the text in UTF-8, in hexadecimal. */
  readonly sha256: string
  /** Absent once it is erased. */
  readonly text?: string
}

/** What is to be stored in one transaction. */
export interface Changes {
  /** Findings that are new or changed, as they are now. */
  readonly findings: readonly Finding[]
  /** Those of them that are new. */
  readonly opened: readonly Finding[]
  /** Suppressions that are new or changed, as they are now. */
  readonly suppressions: readonly Suppression[]
  /** Records for the log. */
  readonly records: readonly LedgerEntry[]
  /** Ids of canary recordings that are new. */
  readonly canaries: readonly string[]
  /** Texts that are new, and those that were erased, without their text. */
  readonly texts: readonly FindingText[]
  /** The number of the last record that the log has written itself. */
  readonly seq: number
}
