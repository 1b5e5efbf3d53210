import { counting, NO_SAMPLES } from '../engine/counting.ts'
import type { Rows } from '../engine/rows.ts'
import { NONE, type Rule, type Sighting, type Watcher } from '../engine/rule.ts'
import type { WatchedEvent } from '../engine/watched-event.ts'

// What is permitted, and would not be if the right owner were known.

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Who watched a recording: one row of it, in which RG-020 counts a day, and by which RG-022 knows the owners of long ago. */
const WATCHED = { window: 400 * DAY, cap: 5, grain: HOUR }
/** A person has other pseudonyms under another key: with it, who watched is counted afresh. */
const rowOf = ({ key = '' }: WatchedEvent, recording: string): string => `RG-022 ${key} ${recording}`

const MANY = 3

/** Only its owner may watch a recording, so three watchers are three owners. */
export const manyWatchers: Rule = {
  ...{ id: 'RG-020', version: 1, severity: 'high', canSuppress: true },
  title: 'One recording was watched by several subjects within a day',
  kinds: ['view'],
  group: ['recording'],
  ...{ window: DAY, threshold: MANY },
  start: (): Watcher => ({
    rows: event => (event.recording === undefined ? [] : [rowOf(event, event.recording)]),
    look: (event, rows) => {
      const { recording, subject, time } = event
      if (recording === undefined || subject === undefined) return NONE
      const { members = [] } = rows.get(rowOf(event, recording)) ?? {}
      const recent = members.filter(([, seen]) => seen > time - DAY)
      const isNew = !recent.some(([name]) => name === subject)
      const count = recent.length + 1
      // The row gets this one by RG-022, which looks at it after this rule.
      return isNew && count >= MANY ? [{ group: { recording }, count }] : NONE
    },
  }),
}

export const manyBindings: Rule = counting({
  ...{ id: 'RG-021', version: 1, severity: 'critical', canSuppress: true },
  title: 'One owner was given many recordings within an hour',
  kinds: ['binding'],
  group: ['owner'],
  window: HOUR,
  threshold: 6,
  cap: 12,
  samples: ({ recording, owner }) =>
    recording === undefined || owner === undefined
      ? NO_SAMPLES
      : [{ group: { owner }, members: [recording] }],
  found: (_, __, { members }) => ({ recordings: members }),
})

/** Most recordings of a list that are named, each in a sighting. */
const LISTED = 20

/** Whose a recording is never changes. If it does after it was watched, one of two people saw what isn't theirs. */
export const changedOwner: Rule = {
  ...{ id: 'RG-022', version: 1, severity: 'critical', canSuppress: false },
  title: 'The owner of a recording changed after it was watched, or is disputed',
  kinds: ['access', 'binding', 'listed', 'ticket', 'view'],
  group: ['recording'],
  start: (): Watcher => ({
    rows: event =>
      (event.kind === 'view' || event.kind === 'binding') && event.recording !== undefined
        ? [rowOf(event, event.recording)]
        : [],
    look: (event, rows) => {
      const { kind, recording, isDisputed, reason } = event
      if (kind === 'listed') return disputedOf(event)
      if (recording === undefined) return NONE
      // Any recorder can send an upload that is refused, and it changes nothing. That sources differ may be its own doing: they
      // were asked with the owner that it names.
      if (kind === 'access' && reason === 'binding_conflict') return [{ group: { recording } }]
      const isFound =
        isDisputed ||
        (kind === 'binding' && event.said.previous === 'other_owner') ||
        hasChanged(event, recording, rows)
      return isFound ? [{ group: { recording }, mayBlock: true }] : NONE
    },
  }),
}

/** Each owner is reported once. If a view doesn't say whose it is, it is the subject's. */
function hasChanged(event: WatchedEvent, recording: string, rows: Rows): boolean {
  const { kind, owner, subject, time } = event
  const whose = owner ?? subject
  if ((kind !== 'view' && kind !== 'binding') || whose === undefined) return false
  const key = rowOf(event, recording)
  const { members } = rows.get(key) ?? {}
  // A binding before the first view changes nothing that was seen.
  if (members === undefined && kind === 'binding') return false
  const { isNew } = rows.add(key, whose, time, WATCHED)
  if (kind === 'view' && subject !== undefined && subject !== whose) rows.add(key, subject, time, WATCHED)
  return isNew && members !== undefined
}

function disputedOf(event: WatchedEvent): readonly Sighting[] {
  return event.answers
    .filter(({ recording, isDisputed }) => isDisputed && recording !== undefined)
    .slice(0, LISTED)
    .flatMap(({ recording }) =>
      recording === undefined ? [] : [{ group: { recording }, recording, mayBlock: true }],
    )
}
