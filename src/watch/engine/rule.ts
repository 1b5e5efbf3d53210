import type { Detection, GroupField } from '../detection.ts'
import type { Severity } from '../severity.ts'
import type { Hash } from './recent-sets.ts'
import type { Rows } from './rows.ts'
import type { WatchedEvent } from './watched-event.ts'

/** Windows up to this are kept in memory, and rebuilt by replay. In milliseconds. */
export const REPLAYED: number = 15 * 60_000

/** What a person reads of a rule. */
export interface RuleFacts {
  readonly id: string
  readonly version: number
  /** What it finds, in one line. */
  readonly title: string
  /** The usual one. What a rule found can be worse, or not so bad. */
  readonly severity: Severity
  /** The kinds of records that it looks at. */
  readonly kinds: readonly string[]
  readonly group: readonly GroupField[]
  /** In milliseconds. Absent if one record is enough. */
  readonly window?: number
  /** How many there must be in the window. */
  readonly threshold?: number
  /** False if what it finds may never be suppressed. */
  readonly canSuppress: boolean
}

/** Knows who shares a device. */
export interface Shared {
  /** Returns whether the owner of what a record is about used the caller's address a short while ago. */
  isOf(event: WatchedEvent): boolean
}

/** What a rule can be part of. */
export interface Tools {
  readonly hash: Hash
  readonly households: Shared
  /** The canary recordings at this moment. */
  readonly canaries: () => ReadonlySet<string>
}

/** A rule as it is written down. */
export interface Rule extends RuleFacts {
  /** Begins to watch, with nothing seen. */
  start(tools: Tools): Watcher
}

/** What a rule found in a record. */
export interface Sighting {
  readonly group: Detection['group']
  readonly severity?: Severity
  readonly count?: number
  /** See `Detection`. */
  readonly mayBlock?: true
  /** True if it is about the gate, and no tenant's. */
  readonly isOfGate?: true
  /** The recording that it is about, if the record is about several. */
  readonly recording?: string
  /** What else it is about. */
  readonly recordings?: readonly string[]
}

/** The number that an isolate gave a record. */
export interface Numbered {
  readonly isolate: string
  readonly seq: number
  /** Of deliveries that the log has put together: the isolates and numbers of all of them. */
  readonly merged: readonly Merged[]
  readonly time: number
}

/** Numbers that an isolate gave deliveries. */
export interface Merged {
  readonly isolate: string
  readonly seqs: readonly number[]
}

/** A rule at work: it has seen some records. */
export interface Watcher {
  /** Returns the keys of the stored windows that `look` and `heed` ask for. A watcher with this looks at nothing in a replay. */
  rows?(event: WatchedEvent): readonly string[]
  look(event: WatchedEvent, rows: Rows): readonly Sighting[]
  /** Learns what other rules found in a record. */
  heed?(found: readonly Detection[], event: WatchedEvent, rows: Rows): void
  /** Looks at the numbers of each record, of whatever kind. In a replay there are no rows. */
  number?(numbered: Numbered, rows: Rows | undefined): readonly Sighting[]
  /** Returns the keys of the stored windows that `number` asks for. */
  numberRows?(numbered: Numbered): readonly string[]
}

/** What there was nothing of. */
export const NONE: readonly Sighting[] = []

/** Describes a group by those of its fields that are known. */
export function groupOf(
  fields: Readonly<Partial<Record<GroupField, string | undefined>>>,
): Detection['group'] {
  const known: Partial<Record<GroupField, string>> = {}
  for (const field in fields) {
    const value = fields[field as GroupField]
    if (value !== undefined) known[field as GroupField] = value
  }
  return known
}
