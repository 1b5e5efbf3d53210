import type { Detection } from '../detection.ts'
import { RecentSets } from './recent-sets.ts'
import {
  groupOf,
  REPLAYED,
  type Rule,
  type RuleFacts,
  type Sighting,
  type Tools,
  type Watcher,
} from './rule.ts'
import type { WatchedEvent } from './watched-event.ts'

/** What a record adds to the set of a group. */
export interface Sample {
  readonly group: Detection['group']
  readonly members: readonly string[]
}

/** What else there is to know when a rule finds something. */
export interface Found {
  readonly group: Detection['group']
  /** The members of the group, of a window that is stored; those of the record, of another one. */
  readonly members: readonly string[]
  readonly households: Tools['households']
}

/** A rule that counts the different members that a group has in a window. */
export interface Counting extends RuleFacts {
  readonly window: number
  readonly threshold: number
  /** Most members that are counted. The threshold, if absent. */
  readonly cap?: number
  /** Most groups in one of two generations of a window in memory. */
  readonly groups?: number
  samples(event: WatchedEvent): readonly Sample[]
  /** What the finding is beside its group and count. */
  found?(count: number, event: WatchedEvent, of: Found): Partial<Sighting>
}

/** Nothing to count. */
export const NO_SAMPLES: readonly Sample[] = []

/**
 * Writes a rule down that finds something when a group has a further member, and has as many as its threshold. A window that
 * is longer than what is replayed is stored, one row for each group.
 */
export function counting(spec: Counting): Rule {
  return { ...spec, start: tools => (spec.window > REPLAYED ? stored(spec, tools) : recent(spec, tools)) }
}

function recent(spec: Counting, { hash, households }: Tools): Watcher {
  const { window, threshold, cap = threshold, groups = 10_000 } = spec
  const sets = new RecentSets(window, cap, groups)
  return {
    look: event => {
      const found: Sighting[] = []
      for (const { group, members } of spec.samples(event)) {
        const key = hash.long(keyOf(spec, event, group))
        let most = 0
        for (const member of members) {
          const { count, isNew } = sets.add(key, hash.short(member), event.time)
          if (isNew && count > most) most = count
        }
        if (most >= threshold)
          found.push({ group, count: most, ...spec.found?.(most, event, { group, members, households }) })
      }
      return found
    },
  }
}

function stored(spec: Counting, { households }: Tools): Watcher {
  const { window, threshold, cap = threshold } = spec
  return {
    rows: event => spec.samples(event).map(({ group }) => keyOf(spec, event, group)),
    look: (event, rows) => {
      const found: Sighting[] = []
      for (const { group, members } of spec.samples(event)) {
        const key = keyOf(spec, event, group)
        let most = 0
        for (const member of members) {
          const { count, isNew } = rows.add(key, member, event.time, { window, cap })
          if (isNew && count > most) most = count
        }
        if (most < threshold) continue
        const all = rows.get(key)?.members.map(([name]) => name) ?? members
        found.push({ group, count: most, ...spec.found?.(most, event, { group, members: all, households }) })
      }
      return found
    },
  }
}

function keyOf({ id }: Counting, { tenant }: WatchedEvent, group: Detection['group']): string {
  let key = `${id} ${tenant}`
  for (const field in group) key += ` ${field}=${group[field as keyof typeof group]}`
  return key
}

/** A record of a subject's, or of a network's if no subject is known. */
export function whoOf({ subject, network }: WatchedEvent): Detection['group'] {
  return groupOf(subject === undefined ? { network } : { subject })
}
