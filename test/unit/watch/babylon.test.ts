import { expect, test } from 'vitest'
import { Rules } from '../../../src/watch/engine/engine.ts'
import { pseudonymOf, RuleRun, recordsOf } from '../../support/rule-fixtures.ts'
import { foundIn } from '../../support/watched-day.ts'

// June 2020: after an update, an app listed the recordings of other patients. Three patients noticed, and one opened one.

const RELEASE = '4.12.0'
const app = { release: RELEASE, client: 'patient-app' }
const list = (who: string, at: number) => ({
  ...{ at, kind: 'listed', subject: who, session: `${who}-login`, ...app },
  answers: Array.from({ length: 50 }, (_, i) => ({ recording: `of-others-${i}`, reason: 'not_owner' })),
})
const open = (who: string, at: number) => ({
  ...{ at, kind: 'access', reason: 'not_owner', subject: who, session: `${who}-login`, ...app },
  ...{ recording: 'of-others-7', owner: '@P' },
})

const found = (records: Parameters<typeof recordsOf>[0]['records']) =>
  new RuleRun().observe(new Rules({ seed: 1 }), recordsOf({ title: '', records }))

test('the first list is found before anyone sees it, the open at once, and the second patient is systemic', () => {
  const detections = found([list('@A', 0), open('@A', 20), list('@B', 300), list('@C', 600)])
  const session = { subject: pseudonymOf('A'), session: pseudonymOf('A-login') }
  expect(detections.map(({ rule, index, severity }) => [index, rule, severity])).toEqual([
    [1, 'RG-005', 'critical'],
    [2, 'RG-001', 'high'],
    [3, 'RG-003', 'critical'],
    [3, 'RG-005', 'critical'],
    [4, 'RG-003', 'critical'],
    [4, 'RG-005', 'critical'],
  ])
  expect(detections[0]).toMatchObject({ group: app, count: 50 })
  expect(detections[0]?.recordings).toHaveLength(50)
  expect(detections[1]).toMatchObject({ group: session, recording: 'of-others-7', release: RELEASE })
  expect(detections[2]).toMatchObject({ group: { release: RELEASE }, count: 2 })
})

test('three patients who open what they see are systemic at the second, without any list', () => {
  const detections = found([open('@A', 0), open('@B', 300), open('@C', 590)])
  const rules = detections.map(({ rule, index }) => [index, rule])
  expect(rules).toEqual([
    [1, 'RG-001'],
    [2, 'RG-001'],
    [2, 'RG-003'],
    [3, 'RG-001'],
    [3, 'RG-003'],
    [3, 'RG-004'],
  ])
})

test('only a release that a token says may be frozen without a person', () => {
  const proven = (who: string, at: number) => ({ ...open(who, at), release_proven: true })
  const systemic = ({ rule }: { rule: string }) => rule === 'RG-003'
  expect(found([open('@A', 0), open('@B', 1)]).find(systemic)).not.toHaveProperty('provenRelease')
  expect(found([proven('@A', 0), proven('@B', 1)]).find(systemic)).toMatchObject({ provenRelease: true })
})

test.each([
  ['open what they see', open],
  ['are shown a list', list],
])('a bug that hits a thousand patients makes no thousand findings, nor alerts: they %s', (_, does) => {
  const patients = Array.from({ length: 1000 }, (_, i) => does(`@P${i}`, i / 10))
  const { findings, alerts } = foundIn(found(patients))
  // Twenty have one of their own; one is for the rest, one for the release, one for the recording, and two join them.
  expect(findings.length).toBeLessThanOrEqual(25)
  expect(alerts.length).toBeLessThanOrEqual(26)
})
