import { counting, NO_SAMPLES } from '../counting.ts'
import type { Rows } from '../rows.ts'
import { NONE, type Rule, type Sighting, type Watcher } from '../rule.ts'
import { answersOf, type WatchedEvent } from '../watched-event.ts'

// What is permitted, and would not be if the right owner were known.

const DAY = 24 * 3_600_000

/** Only its owner may watch a recording, so three watchers are three owners. */
export const manyWatchers: Rule = counting({
  ...{ id: 'RG-020', version: 1, severity: 'high', canSuppress: true },
  title: 'One recording was watched by several subjects within a day',
  kinds: ['view'],
  group: ['recording'],
  window: DAY,
  threshold: 3,
  cap: 5,
  samples: ({ recording, subject }) =>
    recording === undefined || subject === undefined
      ? NO_SAMPLES
      : [{ group: { recording }, members: [subject] }],
})

export const manyBindings: Rule = counting({
  ...{ id: 'RG-021', version: 1, severity: 'critical', canSuppress: true },
  title: 'One owner was given many recordings within an hour',
  kinds: ['binding'],
  group: ['owner'],
  window: 3_600_000,
  threshold: 6,
  cap: 12,
  samples: ({ recording, owner }) =>
    recording === undefined || owner === undefined
      ? NO_SAMPLES
      : [{ group: { owner }, members: [recording] }],
})

/** How long the owner of a watched recording is remembered after it was last watched. */
const REMEMBERED = 400 * DAY
/** Most owners that are remembered of a recording: each is reported once. */
const OWNERS = 4
/** Most recordings of a list that are named, each in a sighting. */
const LISTED = 20

const rowOf = (recording: string): string => `RG-022 ${recording}`

/** Whose a recording is never changes. If it does after it was watched, one of two people saw what isn't theirs. */
export const changedOwner: Rule = {
  ...{ id: 'RG-022', version: 1, severity: 'critical', canSuppress: false },
  title: 'The owner of a recording changed after it was watched, or is disputed',
  kinds: ['access', 'binding', 'listed', 'ticket', 'view'],
  group: ['recording'],
  start: (): Watcher => ({
    rows: ({ kind, recording, owner }) =>
      (kind === 'view' || kind === 'binding') && recording !== undefined && owner !== undefined
        ? [rowOf(recording)]
        : [],
    look: (event, rows) => {
      const { kind, recording, isDisputed, reason } = event
      if (kind === 'listed') return disputedOf(event)
      if (recording === undefined) return NONE
      const isFound =
        isDisputed ||
        (kind === 'access' && reason === 'binding_conflict') ||
        (kind === 'binding' && event.said.previous === 'other_owner') ||
        hasChanged(event, recording, rows)
      return isFound ? [{ group: { recording } }] : NONE
    },
  }),
}

function hasChanged({ kind, owner, time }: WatchedEvent, recording: string, rows: Rows): boolean {
  if ((kind !== 'view' && kind !== 'binding') || owner === undefined) return false
  const key = rowOf(recording)
  const { members } = rows.get(key) ?? {}
  // A binding before the first view changes nothing that was seen.
  if (members === undefined && kind === 'binding') return false
  const { isNew } = rows.add(key, owner, time, { window: REMEMBERED, cap: OWNERS })
  return isNew && members !== undefined
}

function disputedOf(event: WatchedEvent): readonly Sighting[] {
  return answersOf(event)
    .filter(({ recording, isDisputed }) => isDisputed && recording !== undefined)
    .slice(0, LISTED)
    .flatMap(({ recording }) => (recording === undefined ? [] : [{ group: { recording }, recording }]))
}
