import type { GroupField, RuleEngine } from './detection.ts'

/** What findings depend on of a rule. */
export interface RuleTraits {
  /** Whether its findings may be suppressed. */
  readonly canSuppress: boolean
  /** Whether it only tries what it would find. */
  readonly dryRun: boolean
  /** What its findings may be grouped by, beside those of a crowd. */
  readonly group: readonly GroupField[]
}

/** The rules in force, for what runs them inside the log. */
export interface Watching {
  /**
   * Creates an engine that has seen nothing.
   *
   * @param canaries the ids of canary recordings, asked at each record
   */
  engine(canaries?: () => ReadonlySet<string>): RuleEngine
  /** Returns the traits of a rule by its id. */
  rule(id: string): RuleTraits
}

/** How far back records are looked at again after a start, in milliseconds: as long as the windows that an engine keeps to itself. */
export const REPLAYED: number = 15 * 60_000
/** Most records that are looked at again. */
export const MAX_REPLAYED = 50_000
