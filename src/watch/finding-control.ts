import type { Finding, FindingState, FindingText, Group, Suppression, Verdict } from './finding.ts'
import type { Severity } from './severity.ts'

/** Which findings to list, the newest first. Each member narrows the list. */
export interface FindingQuery {
  /** Only those of this tenant. Default: of all. */
  readonly tenant?: string
  /** Default: all that are not closed. */
  readonly state?: FindingState | 'all'
  /** Only those that are at least as severe. */
  readonly severity?: Severity
  readonly rule?: string
  /** A pseudonym, or all of a person. */
  readonly subject?: string | readonly string[]
  readonly recording?: string
  readonly release?: string
  /** Only those whose last record was made at this time or later, in milliseconds since 1970. */
  readonly since?: number
  /** Most findings on the page, 1 to 500. */
  readonly limit: number
  /** The `cursor` of the page before. */
  readonly cursor?: string
}

/** Some findings. */
export interface FindingPage {
  readonly findings: readonly Finding[]
  /** Where to read on. Absent if there is nothing more. */
  readonly cursor?: string
}

/** A finding with what analysts have said of it, the oldest first. */
export interface ShownFinding {
  readonly finding: Finding
  readonly texts: readonly FindingText[]
}

/** What an analyst does to a finding. */
export interface FindingAct {
  readonly action: 'assign' | 'acknowledge' | 'comment' | 'close' | 'reopen' | 'contain'
  /** Pseudonym of the analyst. Of `contain`: of who locked it down, or the id of the rule. */
  readonly by: string
  /** The tenant of the analyst, who can do something to its findings alone. Default: to all. */
  readonly tenant?: string
  /** Of `assign`: pseudonym of the analyst who is to have it. */
  readonly assignee?: string
  /** Of `close`. */
  readonly verdict?: Verdict
  /** Of `contain`: the number of the lockdown. */
  readonly epoch?: number
  /** What is said with it, at most {@link MAX_TEXT} characters. Required for `comment`. */
  readonly text?: string
}

/** Most characters of a text. */
export const MAX_TEXT = 4_000

/**
 * Why something can't be done to a finding. `unknown`: there is none of that id, or it is another tenant's. `incomplete`: a
 * member that the action needs is missing or too long.
 */
export type ActRefusal = 'unknown' | 'closed' | 'not_closed' | 'contained' | 'incomplete'

/** What became of it. */
export type Acted = { readonly finding: Finding } | { readonly refused: ActRefusal }

/** A suppression that is wanted. */
export interface NewSuppression {
  /** Id of the rule, or `*` for all whose findings may be suppressed. */
  readonly rule: string
  readonly group: Group
  /**
   * True if it is for what many groups of the rule did at once, which is one finding for their release. Only then may `group` be
   * a release of a rule that isn't grouped by it.
   */
  readonly crowd?: true
  readonly tenant?: string
  /** Pseudonym of the analyst who answers for it. */
  readonly by: string
  /** When it begins, in milliseconds since 1970. Default: now. */
  readonly starts?: number
  /** When it ends, in milliseconds since 1970. */
  readonly expires: number
  /** Why. At most {@link MAX_TEXT} characters. */
  readonly reason: string
}

/**
 * Why a suppression is not made. `never_suppressed`: its rule is one that must always be heard. `group_wrong`: findings of its
 * rule are not grouped so, and it would keep quiet what is not meant, or nothing.
 */
export type SuppressionRefusal =
  | 'never_suppressed'
  | 'group_wrong'
  | 'expires_wrong'
  | 'too_many'
  | 'incomplete'

/** What became of it. */
export type Suppressed = { readonly suppression: Suppression } | { readonly refused: SuppressionRefusal }

/** A suppression, and why it was made. */
export interface ListedSuppression extends Suppression {
  /** Absent once it is erased. */
  readonly reason?: FindingText
}

/**
 * Port: the findings of a log, for its analysts. A tenant that is passed is the analyst's: of another tenant's findings it
 * sees and changes nothing, as if they were not there. Suppressions without a tenant are for analysts of all tenants.
 *
 * Whatever changes something is on record in the log, in the transaction that changes it. Free text is not: the record has
 * its SHA-256.
 *
 * `list` looks at a bounded number of findings: a page may have fewer than `limit` and a cursor all the same.
 *
 * `suppressions` returns those in force, and those that were over in the last 90 days, the newest first, at most 1,000.
 *
 * `addCanaries` has ids be canary recordings from now on: each touch of one is a finding. Ids that are canaries already are not added
 * again. The record says how many were added, and never which. `canaries` returns all of them, in no order.
 *
 * `endSuppression` and `eraseText` resolve to false if there is nothing of that id to end or erase.
 */
export interface FindingControl {
  list(query: FindingQuery): Promise<FindingPage>
  show(id: string, tenant?: string): Promise<ShownFinding | undefined>
  act(id: string, act: FindingAct): Promise<Acted>
  suppressions(tenant?: string): Promise<readonly ListedSuppression[]>
  suppress(wanted: NewSuppression): Promise<Suppressed>
  endSuppression(id: string, by: string, tenant?: string): Promise<boolean>
  eraseText(id: string, by: string, tenant?: string): Promise<boolean>
  addCanaries(ids: readonly string[], by: string): Promise<CanariesAdded>
  canaries(): Promise<readonly string[]>
}

/** Most canaries of a log. */
export const MAX_CANARIES = 10_000

/** How many canaries were added. */
export type CanariesAdded = { readonly added: number } | { readonly refused: 'too_many' }
