import { expect, test } from 'vitest'
import type { Detection } from '../../../src/watch/detection.ts'
import { PLANTED_ATTACKS, type PlantedAttack } from '../../support/planted-attacks.ts'
import { LONG } from '../../support/sample.ts'
import { type Day, syntheticDay } from '../../support/synthetic-day.ts'
import { foundIn, watchDay } from '../../support/watched-day.ts'

const RECORDS = LONG ? 1_000_000 : 50_000
const SEED = 20200609

test('a day without an attack makes at most ten findings and five alerts', () => {
  const { records, detections, read, written, cost } = watchDay(
    syntheticDay({ records: RECORDS, seed: SEED }),
  )
  const { findings, alerts } = foundIn(detections)
  for (const { rule, severity, group, count, first_seen } of findings)
    print(
      `${new Date(first_seen).toISOString().slice(11, 16)} ${rule} ${severity}, ${count} times: ${JSON.stringify(group)}`,
    )
  print(`${records} records, ${cost.toFixed(1)} µs each, ${read} rows read, ${written} written`)
  expect(records).toBeGreaterThan(RECORDS * 0.9)
  expect(findings.length).toBeLessThanOrEqual(10)
  expect(alerts.length).toBeLessThanOrEqual(5)
  // Each device that a family shares, and the bot that sends rubbish for tokens.
  expect(findings.map(({ rule }) => rule).toSorted()).toEqual([...Array(6).fill('RG-001'), 'RG-007'])
  expect(detections.filter(({ rule }) => rule === 'RG-001')).toHaveLength(200)
})

test('each of twelve attacks on one day is found', () => {
  const also: Day['also'] = day => {
    for (const { plant } of PLANTED_ATTACKS) plant(day)
  }
  const { detections } = watchDay(syntheticDay({ records: RECORDS, seed: SEED, also }))
  expect(PLANTED_ATTACKS).toHaveLength(12)
  for (const attack of PLANTED_ATTACKS) expectFound(attack, detections)
})

test.runIf(LONG).each(PLANTED_ATTACKS)('a day with one attack shows it, and little else: $title', attack => {
  const { detections } = watchDay(syntheticDay({ records: RECORDS, seed: SEED, also: attack.plant }))
  expectFound(attack, detections)
  // Each of forty users of a release with a bug has a finding, up to twenty.
  expect(foundIn(detections).findings.length).toBeLessThanOrEqual(40)
})

function expectFound({ title, begins, isFound }: PlantedAttack, detections: readonly Detection[]): void {
  const found = detections.find(isFound)
  expect(found, title).toBeDefined()
  if (found === undefined) return
  const after = Math.round((found.time - begins) / 1000)
  print(`${title}: ${found.rule} ${found.severity}, after ${after} s`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
