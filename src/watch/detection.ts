import type { Severity } from './severity.ts'

/** What findings are grouped by. */
export type GroupField =
  | 'subject'
  | 'session'
  | 'recording'
  | 'owner'
  | 'release'
  | 'network'
  | 'issuer'
  | 'isolate'
  | 'client'

/** What a rule found in one record, together with those before it. */
export interface Detection {
  /** Id of the rule, such as `RG-001`. */
  readonly rule: string
  readonly version: number
  readonly severity: Severity
  /** The tenant of the record. */
  readonly tenant: string
  /** What the finding is about: detections of one rule, tenant and group are one finding. */
  readonly group: Readonly<Partial<Record<GroupField, string>>>
  /** Id and index of the record that completed it. */
  readonly record: string
  readonly index: number
  /** When that record was made, in milliseconds since 1970. */
  readonly time: number
  /** Who, what and which release the record is about, so that findings can be joined. */
  readonly subject?: string
  readonly recording?: string
  /** Further ones, as those of a list. */
  readonly recordings?: readonly string[]
  readonly release?: string
  readonly session?: string
  /** How many refusals, recordings or subjects were counted, if the rule counts. A rule stops counting soon after its threshold: it is at least so many. */
  readonly count?: number
  /** True if it is so clear that the session may be blocked, the release frozen, or the recording quarantined, without a person who looks first. */
  readonly mayBlock?: true
  /** True if the release is proven by a token, and no mere header. Only then may it be frozen automatically. */
  readonly provenRelease?: true
}

/**
 * What a rule remembers of a group for longer than the log is replayed at start: members and when each was seen, give or take
 * a twenty-fourth of the window, so that what is seen again and again isn't stored again and again.
 */
export interface WindowState {
  /** Rule, window and group, as one string. */
  readonly key: string
  readonly members: readonly (readonly [member: string, time: number])[]
  /** When nothing of it counts any more, in milliseconds since 1970. */
  readonly expires: number
}

/** What came of looking at some records. */
export interface Observation {
  readonly detections: readonly Detection[]
  /** Windows that changed and are to be stored in the transaction that stores the rest. */
  readonly windows: readonly WindowState[]
}

/** A record as rules see it. */
export interface WatchedRecord {
  readonly index: number
  readonly id: string
  readonly json: string
}

/**
 * Port of rules to those who run them. `needs`, then `observe`, then the next records. If what `observe` returned can't be
 * stored, the engine knows more than the storage does: another one must take its place, and replay.
 */
export interface RuleEngine {
  /** Returns the keys of the windows that it must have before it looks at records: those that it doesn't know by heart. */
  needs(records: readonly WatchedRecord[]): readonly string[]
  /**
   * Looks at records, in the order of the log.
   *
   * @param stored the windows that `needs` asked for, as far as there are any
   */
  observe(records: readonly WatchedRecord[], stored: ReadonlyMap<string, WindowState>): Observation
  /** Looks at records again, after a start, without finding anything: so short windows are what they were. */
  replay(records: readonly WatchedRecord[]): void
}
