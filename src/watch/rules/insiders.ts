import { counting, NO_SAMPLES } from '../engine/counting.ts'
import { NONE, type Rule, type Watcher } from '../engine/rule.ts'
import type { Severity } from '../severity.ts'

// Who may do much, and does too much of it.

const HOUR = 3_600_000
const DAY = 24 * HOUR

/**
 * A clinician opened a recording in an emergency. Each time is looked at. It is worse without a justification or an encounter
 * (`justification`: SHA-256 of what was written, `encounter`: true), and from the fifth time in a week on.
 */
export const breakGlass: Rule = counting({
  ...{ id: 'RG-010', version: 1, severity: 'medium', canSuppress: false },
  title: 'A recording was opened in an emergency',
  kinds: ['break_glass'],
  group: ['subject'],
  window: 7 * DAY,
  threshold: 1,
  cap: 5,
  samples: ({ subject, id }) => [{ group: subject === undefined ? {} : { subject }, members: [id] }],
  found: (count, { said }) => {
    const isExplained = typeof said.justification === 'string' && said.encounter === true
    return count >= 5 || !isExplained ? { severity: 'high' } : {}
  },
})

/** Records that an analyst reads in a day: from the first number on it is more than a case needs, from the second, a copy. */
const MUCH = 25_000
const COPY = 100_000

/** An analyst reads the log itself in bulk, page by page or as a stream. */
export const bulkReader: Rule = {
  ...{ id: 'RG-033', version: 1, severity: 'medium', canSuppress: true },
  title: 'An analyst read the log in bulk',
  kinds: ['console'],
  group: ['subject'],
  ...{ window: DAY, threshold: MUCH },
  start: (): Watcher => ({
    rows: ({ subject }) => (subject === undefined ? [] : [`RG-033 ${subject}`]),
    look: ({ subject, time, said: { action, rows: read } }, rows) => {
      const isOfLog = action === 'read' || action === 'follow'
      if (subject === undefined || !isOfLog || typeof read !== 'number' || read <= 0) return NONE
      const key = `RG-033 ${subject}`
      // One member for each hour, called by how many records were read in it.
      const members = (rows.get(key)?.members ?? []).filter(([, seen]) => seen > time - DAY)
      const hour = Math.floor(time / HOUR)
      const isOfHour = (seen: number) => Math.floor(seen / HOUR) === hour
      const sumOf = (some: typeof members) => some.reduce((sum, [count]) => sum + (Number(count) || 0), 0)
      const others = members.filter(([, seen]) => !isOfHour(seen))
      const inHour = sumOf(members.filter(([, seen]) => isOfHour(seen))) + read
      rows.set({ key, members: [...others, [`${inHour}`, time]], expires: time + DAY })
      const count = sumOf(others) + inHour
      if (count < MUCH) return NONE
      const severity: Severity = count < COPY ? 'medium' : 'high'
      return [{ group: { subject }, count, severity }]
    },
  }),
}

/** So many recordings that a recorder can't store for their owners, or so many owners in a quarter of an hour. */
export const recorderConflicts: Rule = counting({
  ...{ id: 'RG-034', version: 1, severity: 'high', canSuppress: true },
  title: 'A recorder stores recordings for the wrong people, or twice',
  kinds: ['access'],
  group: ['subject'],
  window: 15 * 60_000,
  threshold: 3,
  cap: 10,
  samples: ({ subject, reason, recording }) =>
    subject !== undefined &&
    recording !== undefined &&
    (reason === 'binding_conflict' || reason === 'upload_conflict')
      ? [{ group: { subject }, members: [recording] }]
      : NO_SAMPLES,
})

export const recorderOwners: Rule = counting({
  ...{ id: 'RG-035', version: 1, severity: 'medium', canSuppress: true },
  title: 'A recorder named unusually many owners',
  kinds: ['binding'],
  group: ['subject'],
  window: 15 * 60_000,
  threshold: 200,
  groups: 100,
  samples: ({ subject, owner }) =>
    subject === undefined || owner === undefined ? NO_SAMPLES : [{ group: { subject }, members: [owner] }],
})
