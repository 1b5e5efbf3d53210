import { expect, test } from 'vitest'
import {
  aboutFinding,
  describeAlert,
  isWaking,
  severityShown,
  summaryOf,
} from '../../../src/page/describe-finding.ts'
import { type PageFinding, seconds, timelineOf, timeOf } from '../../../src/page/incident-times.ts'
import { SEVERITIES } from '../../../src/watch/severity.ts'

// What the demo page makes of findings and alerts.

const START = 1_795_000_000_000
/** A UUIDv7 of a time. */
const idAt = (time: number, last = '0') =>
  `${time.toString(16).padStart(12, '0').replace(/^.{8}/, '$&-')}-7000-8000-00000000000${last}`
const finding = (after: number, more: Partial<PageFinding> = {}): PageFinding => ({
  ...{ id: idAt(START + after), rule: 'RG-001', severity: 'high', group: { subject: 'psn_7' }, count: 1 },
  ...{ first_seen: START + after - 50, last_seen: START + after },
  ...more,
})
const alert = (after: number, of: PageFinding) => ({
  ...{ id: `alert-${after}`, at: START + after },
  message: { type: 'mediaward.finding.opened', data: { finding: of.id } },
})

test('an id says when it was made', () => {
  expect(timeOf('0197f2c4-8a10-7cc3-9a3e-2b1c5d7e9f01')).toBe(0x0197f2c48a10)
})

test('the timeline counts from the first denial to the finding, the alert and what follows', () => {
  const [first, systemic] = [finding(100), finding(400, { rule: 'RG-003' })]
  const noted = [{ at: START + 5_050, what: 'you freeze it' }]
  const steps = timelineOf(START, [systemic, first], [alert(150, first), alert(500, systemic)], noted)
  expect(steps).toEqual([
    { after: 0, what: 'first denial' },
    { after: 50, what: 'finding' },
    { after: 100, what: 'alert' },
    { after: 350, what: 'finding: the release is to blame' },
    { after: 5000, what: 'you freeze it' },
  ])
  expect(summaryOf(steps.slice(0, 3))).toBe('first denial → finding: 0.05 s → alert: 0.10 s')
})

test('the timeline has nothing of what was before, and nothing before there is a finding', () => {
  const old = finding(-1_000)
  expect(timelineOf(START, [old], [alert(-900, old)], [])).toEqual([])
  const steps = timelineOf(START, [finding(100), old], [alert(10, old)], [{ at: START - 1, what: 'old' }])
  expect(steps.map(({ what }) => what)).toEqual(['first denial', 'finding'])
})

test('an alert whose body is not that of a finding is no step', () => {
  const strange = [{}, { data: {} }, { data: { finding: 7 } }, [], 'a string', 7, null]
  const alerts = strange.map((message, i) => ({ id: `alert-${i}`, at: START + 200, message }))
  expect(timelineOf(START, [finding(100)], alerts, []).map(({ what }) => what)).toEqual([
    'first denial',
    'finding',
  ])
})

test('times are written in seconds, and never as none if there was some', () => {
  expect([0, 3, 10, 1234, 12_345].map(seconds)).toEqual(['0 s', '< 0.01 s', '0.01 s', '1.23 s', '12 s'])
  const same = timelineOf(START, [finding(50, { first_seen: START + 50 })], [], [])
  expect(summaryOf(same)).toBe('first denial → finding: < 0.01 s')
})

test('each severity has a word and a sign of its own', () => {
  const shown = SEVERITIES.map(severityShown)
  expect(new Set(shown.map(({ word }) => word)).size).toBe(SEVERITIES.length)
  expect(new Set(shown.map(({ sign }) => sign)).size).toBe(SEVERITIES.length)
  expect(severityShown('constructor')).toEqual(severityShown('info'))
  expect(severityShown(undefined)).toEqual(severityShown('info'))
})

test('a finding is about people by their names, and about things by what they are', () => {
  const names = { psn_7: 'patient-007' }
  const about = (group: PageFinding['group'], count: number) => aboutFinding({ group, count }, names)
  expect(about({ subject: 'psn_7', session: 'psn_8' }, 1)).toBe('patient-007, once')
  expect(about({ release: '4.12.0' }, 3)).toBe('release 4.12.0, 3 times')
})

test('an alert is a sentence, and what only ends one wakes no one', () => {
  const data = { severity: 'critical', title: 'Systemic' }
  expect(describeAlert({ type: 'mediaward.finding.opened', data })).toBe('Critical: Systemic.')
  expect(describeAlert({})).toBe('For information: a finding.')
  const waking = ['opened', 'raised', 'closed', 'acknowledged'].filter(action =>
    isWaking({ type: `mediaward.finding.${action}` }),
  )
  expect(waking).toEqual(['opened', 'raised'])
})
