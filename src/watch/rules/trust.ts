import { groupOf, NONE, type Rule, type Watcher } from '../engine/rule.ts'
import { objectOf, stringsOf, type WatchedEvent } from '../engine/watched-event.ts'

// What everything else rests on: the issuers' keys, the proof of the log, and canary recordings, which no person owns.

/** How long an issuer's keys are remembered, and how many. */
const KNOWN_KEYS = { window: 30 * 24 * 3_600_000, cap: 64 }

/**
 * An issuer's keys were replaced at once. When keys rotate, the next one is published before it signs, so the old and the new
 * ones overlap. An isolate that slept through two rotations sees no overlap, so keys that others saw count as known.
 */
export const replacedKeys: Rule = {
  ...{ id: 'RG-032', version: 1, severity: 'high', canSuppress: true },
  title: 'All keys of an issuer were replaced at once',
  kinds: ['keys'],
  group: ['issuer'],
  start: (): Watcher => {
    const rowOf = ({ issuer }: WatchedEvent) => `RG-032 ${issuer}`
    return {
      rows: event => [rowOf(event)],
      look: (event, rows) => {
        const key = rowOf(event)
        const before = stringsOf(event.said.before)
        const after = stringsOf(event.said.after)
        const known = new Set([...before, ...(rows.get(key)?.members ?? []).map(([name]) => name)])
        const isNew = before.length > 0 && after.length > 0 && !after.some(name => known.has(name))
        for (const name of [...before, ...after]) rows.add(key, name, event.time, KNOWN_KEYS)
        return isNew
          ? [{ group: groupOf({ issuer: event.issuer }), count: after.length, isOfGate: true }]
          : NONE
      },
    }
  },
}

/** The log forked, its checkpoint stalls, a witness refused one, or the lock of its bucket changed: `problem` says which. */
export const brokenProof: Rule = {
  ...{ id: 'RG-031', version: 1, severity: 'critical', canSuppress: false },
  title: 'The log can no longer prove that it is whole',
  kinds: ['checkpoint'],
  group: [],
  start: (): Watcher => ({
    look: ({ said }) => (said.problem === undefined ? NONE : [{ group: {}, isOfGate: true }]),
  }),
}

/** A canary recording, which no person owns, was asked for. No app shows it, so it was guessed, or read in a copy of the catalogue. */
export const touchedCanary: Rule = {
  ...{ id: 'RG-040', version: 1, severity: 'critical', canSuppress: false },
  title: 'A canary recording was touched',
  kinds: ['access', 'console', 'listed', 'ticket', 'view'],
  group: ['recording'],
  start: ({ canaries }): Watcher => ({
    look: event => {
      const planted = canaries()
      if (planted.size === 0) return NONE
      const touched = new Set<string>()
      const touch = (name: string | undefined) => {
        if (name !== undefined && planted.has(name)) touched.add(name)
      }
      touch(event.recording)
      for (const { recording } of event.answers) touch(recording)
      // What a call asked about, and what the requests of a flood were for.
      for (const named of [event.said.asked, event.said.sum])
        if (named !== undefined) for (const name of stringsOf(objectOf(named).recordings)) touch(name)
      return touched.size === 0
        ? NONE
        : [...touched].map(name => ({ group: { recording: name }, recording: name }))
    },
  }),
}
