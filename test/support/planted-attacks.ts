import type { Detection } from '../../src/watch/detection.ts'
import {
  denied,
  MIDNIGHT,
  name,
  type Planner,
  permitted,
  personOf,
  recordingOf,
  thumbprint,
} from './synthetic-day.ts'

// What can go wrong on a day: twelve attacks and mistakes, each by itself.

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/** A recording that no person owns. */
export const CANARY = 'canary-7c1f'

export interface PlantedAttack {
  readonly title: string
  /** When the first record of it is made. */
  readonly begins: number
  readonly plant: (day: Planner) => void
  /** Whether what a rule found is the attack. */
  readonly isFound: (detection: Detection) => boolean
}

const at = (hour: number): number => MIDNIGHT + hour * HOUR
const thief = personOf(400_001)
const login = { ...thief, session: name('session', -1), token: name('token', -1) }
const robbed = { ...personOf(400_002), session: name('session', -2), token: name('token', -2) }
const abroad = { prefix: '203.0.113.0/24', ip: name('ip', -1), asn: 9_009, country: 'RO' }
const BUGGY = '4.12.0'
const LISTING = '4.13.0'
/** A patient of the release with the bug, and what it shows. */
const misled = (i: number) => ({
  ...personOf(410_000 + i),
  release: BUGGY,
  session: name('session', -100 - i),
})
const theirs = (i: number) => ({ owner: name('subject', i), recording: recordingOf(i, 0) })
const isOf = (rule: string, group: Detection['group']) => (found: Detection) =>
  found.rule === rule && JSON.stringify(found.group) === JSON.stringify(group)

export const PLANTED_ATTACKS: readonly PlantedAttack[] = [
  {
    title: 'slow enumeration: one guess every twenty minutes',
    begins: at(2),
    plant: day => {
      for (let i = 0; i < 60; i++)
        day.at(at(2) + i * 20 * MINUTE, { ...login, ...denied('recording_unknown'), recording: `guess-${i}` })
    },
    isFound: isOf('RG-016', { subject: thief.subject }),
  },
  {
    title: 'one leak a day: a single recording of another',
    begins: at(15),
    plant: day => day.at(at(15), { ...login, ...denied('not_owner'), ...theirs(77) }),
    isFound: ({ rule, subject }) => rule === 'RG-001' && subject === thief.subject,
  },
  {
    title: 'stolen token: used abroad while its owner watches',
    begins: at(19) + 3 * MINUTE,
    plant: day => {
      const recording = recordingOf(400_001, 0)
      for (let i = 0; i < 4; i++)
        day.at(at(19) + 2 * i * MINUTE, { ...login, ...permitted('view'), owner: thief.subject, recording })
      day.at(at(19) + 3 * MINUTE, {
        ...login,
        ...permitted('view'),
        owner: thief.subject,
        recording,
        net: abroad,
      })
    },
    isFound: ({ rule, subject }) => rule === 'RG-008' && subject === thief.subject,
  },
  {
    title: 'stolen ticket: opened abroad minutes after it was issued',
    begins: at(11) + 4 * MINUTE,
    plant: day => {
      const id = '01a20657-1d65-70a8-a1f9-c9dba64c5700'
      const { token: _, ...ticketed } = {
        ...robbed,
        owner: robbed.subject,
        recording: recordingOf(400_002, 0),
      }
      day.at(at(11), { ...ticketed, ...permitted('ticket'), id, expires: new Date(at(12)).toISOString() })
      day.at(at(11) + 4 * MINUTE, { ...ticketed, ...permitted('view'), ticket: id, net: abroad })
    },
    isFound: ({ rule, subject }) => rule === 'RG-008' && subject === robbed.subject,
  },
  {
    title: 'release bug: users of 4.12.0 ask for what is not theirs',
    begins: at(14),
    plant: day => {
      for (let i = 0; i < 40; i++)
        day.at(at(14) + i * 90_000, { ...misled(i), ...denied('not_owner'), ...theirs(i) })
    },
    isFound: isOf('RG-003', { release: BUGGY }),
  },
  {
    title: 'list bug: 4.13.0 would list fifty recordings of others',
    begins: at(16),
    plant: day => {
      const answers = Array.from({ length: 50 }, (_, i) => ({
        ...theirs(i),
        decision: 'deny',
        reason: 'not_owner',
      }))
      for (let i = 0; i < 3; i++)
        day.at(at(16) + i * 5 * MINUTE, {
          ...misled(i),
          release: LISTING,
          kind: 'listed',
          decision: 'deny',
          answers,
        })
    },
    isFound: ({ rule, release }) => rule === 'RG-005' && release === LISTING,
  },
  {
    title: 'an analyst reads the log in bulk',
    begins: at(22),
    plant: day => {
      // The gate records each full page, and the largest has a thousand records.
      const analyst = { subject: name('analyst', 1), roles: ['security'], query: {}, rows: 1_000 }
      for (let i = 0; i < 200; i++)
        day.at(at(22) + i * 2_000, { ...analyst, ...permitted('console'), action: 'read' })
    },
    isFound: isOf('RG-033', { subject: name('analyst', 1) }),
  },
  {
    title: "wrong stamp: a recorder names one patient as the owner of others' recordings",
    begins: at(9),
    plant: day => {
      const recorder = { subject: name('recorder', 0), roles: ['recorder'], tenant: 'default' }
      const bound = { ...permitted('binding'), action: 'bound', source: 'upload', owner: thief.subject }
      for (let i = 0; i < 30; i++)
        day.at(at(9) + i * 2 * MINUTE, { ...recorder, ...bound, recording: `stamped-${i}` })
    },
    isFound: isOf('RG-021', { owner: thief.subject }),
  },
  {
    title: 'canary: a recording that no person owns is asked for',
    begins: at(4),
    plant: day => day.at(at(4), { ...denied('token_missing', 401), recording: CANARY, net: abroad }),
    isFound: isOf('RG-040', { recording: CANARY }),
  },
  {
    title: 'log gap: records of an isolate are lost',
    begins: at(13),
    plant: day => day.lose(at(13), 25),
    isFound: ({ rule }) => rule === 'RG-030',
  },
  {
    title: 'key server swapped: an issuer publishes nothing but new keys',
    begins: at(3),
    plant: day => {
      const [before, after] = [[thumbprint(1), thumbprint(2)], [thumbprint(8)]]
      for (let i = 0; i < 3; i++)
        day.at(at(3) + i * MINUTE, { kind: 'keys', issuer: String(thief.issuer), before, after })
    },
    isFound: isOf('RG-032', { issuer: String(thief.issuer) }),
  },
  {
    title: 'recorder gone wrong: it sends recordings twice, with other bytes',
    begins: at(8),
    plant: day => {
      const recorder = { subject: name('recorder', 2), roles: ['recorder'], tenant: 'south' }
      for (let i = 0; i < 12; i++)
        day.at(at(8) + i * MINUTE, {
          ...recorder,
          ...denied('upload_conflict', 409),
          recording: `twice-${i}`,
        })
    },
    isFound: isOf('RG-034', { subject: name('recorder', 2) }),
  },
]
