import { counting, NO_SAMPLES } from '../engine/counting.ts'
import { groupOf, NONE, type Rule } from '../engine/rule.ts'
import type { WatchedEvent } from '../engine/watched-event.ts'
import type { Severity } from '../severity.ts'

// Who asks for what is another's, with a token that was accepted.

/**
 * Returns whether a reason says that a recording is another's. One of another tenant is no less foreign than one of another
 * person: a mistake in an app that shows it is the same.
 */
export function isForeign(reason: string | undefined): boolean {
  return reason === 'not_owner' || reason === 'tenant_mismatch'
}

const isOfPerson = ({ reason, subject }: WatchedEvent): boolean => isForeign(reason) && subject !== undefined

/** The first one is enough: the owner rule stops it, and a bug in an app shows first by it. */
export const foreignRecording: Rule = {
  ...{ id: 'RG-001', version: 1, severity: 'high', canSuppress: true },
  title: "A valid token asked for another's recording",
  kinds: ['access'],
  group: ['subject', 'session'],
  start: ({ households }) => ({
    look: event => {
      if (!isOfPerson(event)) return NONE
      const { subject, session, refusals } = event
      const severity: Severity = households.isOf(event) ? 'medium' : 'high'
      return [{ group: groupOf({ subject, session }), count: refusals, severity }]
    },
  }),
}

/** From so many on, no mistake of a person explains it. */
const MAY_BLOCK = 10

export const manyForeignRecordings: Rule = counting({
  ...{ id: 'RG-002', version: 1, severity: 'critical', canSuppress: true },
  title: "A valid token asked for several others' recordings within a minute",
  kinds: ['access'],
  // A device that a family shares has a session for each login.
  group: ['subject', 'session'],
  window: 60_000,
  threshold: 3,
  cap: MAY_BLOCK,
  samples: event => {
    const { subject, session, recording } = event
    if (!isOfPerson(event) || recording === undefined) return NO_SAMPLES
    return [{ group: groupOf({ subject, session }), members: [recording] }]
  },
  found: (count, event, { households }) => {
    if (households.isOf(event)) return { severity: 'high' }
    return count >= MAY_BLOCK ? { mayBlock: true } : {}
  },
})

export const recordingOfMany: Rule = counting({
  ...{ id: 'RG-004', version: 1, severity: 'high', canSuppress: true },
  title: 'Several subjects asked for one recording that is not theirs',
  kinds: ['access'],
  group: ['recording'],
  window: 10 * 60_000,
  threshold: 3,
  cap: 5,
  samples: event => {
    const { subject, recording } = event
    if (!isOfPerson(event) || subject === undefined || recording === undefined) return NO_SAMPLES
    return [{ group: { recording }, members: [subject] }]
  },
})
