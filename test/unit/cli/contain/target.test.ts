import { expect, test } from 'vitest'
import { targetOf } from '../../../../src/cli/contain/target.ts'

// What "findings contain" stops.

const PERSON = 'psn_0e1339ff080cc231c6fa73528f46da5b'
const SESSION = 'psn_0dd6b1d3805a396eb924cd78f7eb4738'
const finding = (group: object, about: object = {}) => ({ group, about })

test.each([
  ['a session before its person', { subject: PERSON, session: SESSION }, {}, 'session', SESSION],
  ['a person', { subject: PERSON }, {}, 'subject', PERSON],
  ['a recording', { recording: 'rec-001' }, { subjects: [PERSON] }, 'recording', 'rec-001'],
  [
    'a release, even if one person alone showed it',
    { release: '4.12.0' },
    { subjects: [PERSON], recordings: ['rec-007'], releases: ['4.12.0'] },
    'release',
    '4.12.0',
  ],
  [
    'the only person, if it is grouped by a network',
    { network: '192.0.2.0/24' },
    { subjects: [PERSON] },
    'subject',
    PERSON,
  ],
])('a finding stops what it is grouped by: %s', (_, group, about, scope, value) => {
  expect(targetOf(finding(group, about), undefined)).toEqual({ scope, value })
})

test('another thing that it names can be chosen, and nothing that it does not name', () => {
  const both = finding({ release: '4.12.0' }, { subjects: [PERSON] })
  expect(targetOf(both, 'subject')).toEqual({ scope: 'subject', value: PERSON })
  expect(() => targetOf(both, 'recording')).toThrow('the finding names no recording')
  const several = finding({ network: '192.0.2.0/24' }, { subjects: [PERSON, SESSION] })
  expect(() => targetOf(several, undefined)).toThrow('the finding names nothing that can be stopped')
})
