import { describe, expect, test } from 'vitest'
import { targetOf, unprovenRelease } from '../../../../src/cli/contain/target.ts'
import { UsageError } from '../../../../src/cli/terminal.ts'

// What "findings contain" stops.

const PERSON = 'psn_0e1339ff080cc231c6fa73528f46da5b'
const SESSION = 'psn_0dd6b1d3805a396eb924cd78f7eb4738'
const ID = '01a21df9-b940-703b-b0b5-361db424eb22'
const CALLED = { reason: 'WHY', url: 'http://127.0.0.1:8787' }
const finding = (group: object, about: object = {}, rule = 'RG-001') => ({ id: ID, rule, group, about })

/** What is wrong, and the commands that are offered. */
function refusalOf(act: () => unknown): { readonly why: string; readonly commands: readonly string[] } {
  try {
    act()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const lines = error.hint?.split('\n') ?? []
    return {
      why: error.message,
      commands: lines.filter(line => line.includes('mediaward')).map(line => line.trim()),
    }
  }
  throw new Error('it stopped something')
}

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
])('a finding stops what it is grouped by: %s', (_, group, about, scope, value) => {
  expect(targetOf(finding(group, about), undefined, CALLED)).toEqual({ scope, value })
})

describe('what a finding happens to be about is not stopped', () => {
  test('as forged tokens name any recording and release: the choice is left to a person', () => {
    const about = { subjects: [], recordings: ['rec-1'], releases: ['4.12.0'] }
    const { why, commands } = refusalOf(() =>
      targetOf(finding({ network: '192.0.2.0/24' }, about, 'RG-007'), undefined, CALLED),
    )
    expect(why).toBe("the finding is grouped by network, which can't be locked down")
    expect(commands).toEqual([
      expect.stringMatching(`findings contain ${ID} --scope recording --reason WHY$`),
      expect.stringMatching(`findings contain ${ID} --scope release --reason WHY$`),
    ])
  })

  test('as the recorder of wrong owners, whose recordings are offered first, one by one', () => {
    const recordings = Array.from({ length: 12 }, (_, i) => `rec-${i}`)
    const shown = finding({ owner: PERSON }, { subjects: [SESSION], recordings, releases: [] }, 'RG-021')
    const { why, commands } = refusalOf(() =>
      targetOf(shown, undefined, { reason: "it's wrong", url: 'https://media.clinic.example' }),
    )
    expect(why).toContain('grouped by owner')
    expect(commands).toHaveLength(9)
    expect(commands[0]).toContain(
      `lockdown add recording rec-0 --finding ${ID} --reason 'it'\\''s wrong' --url https://media.clinic.example`,
    )
    expect(commands[8]).toContain('--scope subject')
    expect(() => targetOf(shown, undefined, CALLED)).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('which may be the recorder') }),
    )
  })

  test('nor is anything if it is grouped by nothing and names nothing', () => {
    const { why, commands } = refusalOf(() => targetOf(finding({}), undefined, CALLED))
    expect([why, commands]).toEqual(["the finding is grouped by nothing, which can't be locked down", []])
  })
})

test('another thing that it names can be chosen, and nothing that it does not name', () => {
  const both = finding({ release: '4.12.0' }, { subjects: [PERSON] })
  expect(targetOf(both, 'subject', CALLED)).toEqual({ scope: 'subject', value: PERSON })
  expect(targetOf(both, 'release', CALLED)).toEqual({ scope: 'release', value: '4.12.0' })
  for (const scope of ['recording', 'everything'])
    expect(refusalOf(() => targetOf(both, scope, CALLED)).why).toBe(`the finding names no ${scope}`)
  const several = finding({ network: '192.0.2.0/24' }, { subjects: [PERSON, SESSION] })
  const { why, commands } = refusalOf(() => targetOf(several, 'subject', CALLED))
  expect([why, commands.length]).toEqual(['the finding names 2 subjects', 2])
})

test('a release that no token proves is refused with the command that stops it all the same', () => {
  const { why, commands } = refusalOf(() => {
    throw unprovenRelease(finding({ release: '4.12.0' }, { subjects: [PERSON] }), '4.12.0', CALLED)
  })
  expect(why).toContain('no token of the finding proves release 4.12.0')
  expect(commands.map(command => /--scope \w+/.exec(command)?.[0])).toEqual([
    '--scope subject',
    '--scope release',
  ])
})

test('no value of another server writes a command of its own', () => {
  const evil = "x'; rm -rf ~ #\u001b[2J"
  const about = { recordings: [evil, 'rec-2'] }
  const { commands } = refusalOf(() => targetOf(finding({}, about), 'recording', CALLED))
  expect(commands[0]).toContain(`recording 'x'\\''; rm -rf ~ #?[2J' --finding`)
})
