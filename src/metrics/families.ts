/**
 * A metric family (OpenMetrics 1.0, 4.2). If it has a unit, its name ends with it. The help is a sentence.
 *
 * No label names a person, a recording, a network or a URL.
 */
export type Family = readonly [name: string, type: 'counter' | 'gauge' | 'histogram' | 'info', help: string]

/** Labels by name. The values are of small, closed sets. */
export type Labels = Readonly<Record<string, string>>

/** A value of a family. `suffix` is what its name has after that of the family, if that doesn't follow from the type. */
export type Sample = readonly [family: Family, value: number, labels?: Labels, suffix?: string]

/** A part of the gate that has figures. */
export interface MetricSource {
  /** The label of `mediaward_source_up`. */
  readonly name: string
  /** Resolves to its figures now, those of a family one after another; rejects if it can't say. */
  read(): Promise<readonly Sample[]>
}

/** What every gate says of itself. */
export const INFO: Family = ['mediaward', 'info', 'The version of the gate.']
/** What every gate says of its sources. */
export const SOURCE_UP: Family = ['mediaward_source_up', 'gauge', 'Whether the figures of a source are here.']
