import { counting, NO_SAMPLES, type Sample, whoOf } from '../engine/counting.ts'
import type { Rule } from '../engine/rule.ts'
import type { WatchedEvent } from '../engine/watched-event.ts'
import { isForeign } from './foreign.ts'

// Who tries ids, fast or slowly.

/**
 * The ids that a record asks for and that have no recording. What an app filters out of a list by itself isn't tried: lists keep
 * recordings that are deleted.
 */
function unknownOf(event: WatchedEvent): readonly string[] {
  const { kind, reason, recording, said } = event
  if (kind === 'access') return reason === 'recording_unknown' && recording !== undefined ? [recording] : []
  if (said.mode === 'filter') return []
  return event.answers.flatMap(answer =>
    answer.reason === 'recording_unknown' ? (answer.recording ?? []) : [],
  )
}

export const enumeration: Rule = counting({
  ...{ id: 'RG-006', version: 1, severity: 'medium', canSuppress: true },
  title: 'One caller asked for many recordings that do not exist within a minute',
  kinds: ['access', 'listed'],
  group: ['subject', 'network'],
  window: 60_000,
  threshold: 10,
  cap: 20,
  samples: event => {
    const members = unknownOf(event)
    return members.length === 0 ? NO_SAMPLES : [{ group: whoOf(event), members }]
  },
})

/** Too slow for a window of minutes. Foreign recordings in lists are found at once, so they don't count here. */
export const slowEnumeration: Rule = counting({
  ...{ id: 'RG-016', version: 1, severity: 'high', canSuppress: true },
  title: "One caller asked for many unknown or others' recordings within a day",
  kinds: ['access', 'listed'],
  group: ['subject', 'network'],
  window: 24 * 3_600_000,
  threshold: 20,
  cap: 20,
  samples: event => {
    const { kind, reason, recording, subject, network } = event
    const isAsked = kind === 'access' && isForeign(reason) && recording !== undefined
    const members = isAsked ? [recording] : unknownOf(event)
    if (members.length === 0) return NO_SAMPLES
    const samples: Sample[] = []
    if (subject !== undefined) samples.push({ group: { subject }, members })
    if (network !== undefined) samples.push({ group: { network }, members })
    return samples
  },
  found: (_, __, { group, members }) => ({
    recordings: members,
    // Behind one network are many people.
    ...(group.subject === undefined && { severity: 'medium' }),
  }),
})
