import { expect, test } from 'vitest'
import { belongsTo, describe, type LogRecord } from '../../../src/page/describe.ts'

const NAMES = { psn_7: 'patient-007', psn_8: 'patient-008' }
const record = (more: Partial<LogRecord>): LogRecord => ({
  ...{ id: 'event-1', t: '2026-11-22T10:24:03.512Z', kind: 'access', decision: 'deny' },
  ...more,
})
const refusal = { reason: 'not_owner', recording: 'rec-1', subject: 'psn_7', owner: 'psn_8' }

test.each<[string, Partial<LogRecord>]>([
  ['patient-007 was refused rec-1, which belongs to patient-008.', refusal],
  ['patient-007 was refused rec-1, which belongs to another patient.', { ...refusal, owner: 'psn_0' }],
  [
    'psn_01234567 was refused rec-1, which belongs to patient-008.',
    { ...refusal, subject: 'psn_0123456789' },
  ],
  ['patient-007 was refused rec-1 once more.', { ...refusal, repeats: { of: 'event-0', count: 1 } }],
  ['patient-007 was refused rec-1 9 times more.', { ...refusal, repeats: { of: 'event-0', count: 9 } }],
  ['patient-007 was refused rec-1.', { ...refusal, reason: 'recording_unknown' }],
  ['A caller without a valid token was refused rec-1.', { reason: 'token_missing', recording: 'rec-1' }],
  [
    'A caller without a valid token was refused 699 times more from one network.',
    { reason: 'token_missing', sum: { count: 699 } },
  ],
  ['A caller without a valid token was refused a path that is no recording.', { reason: 'path_invalid' }],
  [
    'patient-007 may play rec-1, which is their own.',
    { kind: 'ticket', decision: 'permit', recording: 'rec-1', subject: 'psn_7' },
  ],
  ['patient-007 began to watch rec-1.', { kind: 'view', recording: 'rec-1', subject: 'psn_7' }],
  [
    '67,418 bytes of rec-1 left for patient-007.',
    { kind: 'delivery', recording: 'rec-1', subject: 'psn_7', bytes: 67_418 },
  ],
  ['rec-1 belongs to patient-008 from now on.', { kind: 'binding', recording: 'rec-1', owner: 'psn_8' }],
  ['The gate: gap.', { kind: 'gap' }],
  [
    'patient-007 was refused rec-1: this release of the app is frozen.',
    { ...refusal, reason: 'release_frozen' },
  ],
  [
    'The app of patient-007 asked for a list of 3: 1 of them may be shown.',
    { kind: 'listed', subject: 'psn_7', answers: ['deny', 'permit', 'deny'].map(decision => ({ decision })) },
  ],
  [
    'The app of patient-007 asked for a list of 1: all of them may be shown.',
    { kind: 'listed', subject: 'psn_7', answers: [{ decision: 'permit' }] },
  ],
  ['Release 4.12.0 of the app is out.', { kind: 'release', release: '4.12.0' }],
  ['Stopped: release 4.12.0.', { kind: 'lockdown', action: 'add', scope: 'release', target: '4.12.0' }],
  ['Let go: everything.', { kind: 'lockdown', action: 'undo', scope: 'everything' }],
  ['An analyst looked at the findings.', { kind: 'console', action: 'findings', subject: 'psn_9' }],
  ['An analyst looked at the log.', { kind: 'console', action: 'records', subject: 'psn_9' }],
  ['patient-007: listed.', { kind: 'listed', subject: 'psn_7' }],
])('a record is described as "%s"', (sentence, facts) => {
  expect(describe(record(facts), NAMES)).toBe(sentence)
})

test('a record belongs to a request if it is its own, or of its ticket, or counts its repetitions', () => {
  const belongs = (more: Partial<LogRecord>) => belongsTo(record(more), 'event-9')
  expect(belongs({ id: 'event-9' })).toBe(true)
  expect(belongs({ ticket: 'event-9' })).toBe(true)
  expect(belongs({ repeats: { of: 'event-9', count: 2 } })).toBe(true)
  expect(belongs({})).toBe(false)
  expect(belongsTo(record({}), undefined)).toBe(false)
})
