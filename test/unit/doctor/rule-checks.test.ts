import { expect, test } from 'vitest'
import { runChecks } from '../../../src/doctor/finding.ts'
import { RULE_CHECKS, type RuleFacts } from '../../../src/doctor/rule-checks.ts'
import { RULE_IDS, TRIABLE_IDS } from '../../../src/watch/in-force.ts'

const judge = (rules: RuleFacts['rules'], isWatched = true) => {
  const [finding, ...more] = runChecks('settings', RULE_CHECKS, { rules, isWatched })
  expect(more).toEqual([])
  return finding
}
const ALL = RULE_IDS.length

test('rules that are all on, and respond to nothing, are as they should be', () => {
  expect(judge({})).toMatchObject({
    check: 'rules',
    state: 'ok',
    found: `rules that are on: ${ALL} of ${ALL}; none only tries; the gate responds to none by itself`,
  })
})

test('what responds by itself is named', () => {
  expect(judge({ dryRun: [], respond: ['RG-022', 'RG-003'] })).toMatchObject({
    state: 'ok',
    found: expect.stringMatching(/the gate responds by itself to RG-003, RG-022$/),
  })
})

test('a rule that only tries is named, and is no warning if it is not critical', () => {
  expect(judge({ dryRun: ['RG-006'] })).toMatchObject({
    state: 'ok',
    found: expect.stringContaining(
      `rules that are on: ${ALL - 1} of ${ALL}; these only try, and alert no one: RG-006`,
    ),
  })
})

test('a critical rule that only tries is a warning that names it', () => {
  const finding = judge({ dryRun: ['RG-006', 'RG-002'] })
  expect(finding).toMatchObject({ state: 'warning', found: expect.stringContaining('RG-002, RG-006') })
  expect(finding?.fix).toMatch(/: RG-002$/)
})

test('a gate whose rules all only try, as far as they can, does not look well', () => {
  const finding = judge({ dryRun: TRIABLE_IDS })
  expect(finding).toMatchObject({
    state: 'warning',
    found: expect.stringContaining(`rules that are on: ${ALL - TRIABLE_IDS.length} of ${ALL}`),
  })
  expect(finding?.fix).toContain('RG-003')
})

test('a response to a rule that only tries is a warning, as it never comes', () => {
  expect(judge({ dryRun: ['RG-003'], respond: ['RG-003'] })).toMatchObject({
    state: 'warning',
    fix: expect.stringContaining('does not respond to a rule that only tries'),
  })
})

test('a log without rules is a warning', () => {
  expect(judge(undefined, false)).toMatchObject({ state: 'warning' })
})

test('rules whose settings an app does not hand over are known to be there', () => {
  expect(judge(undefined)).toMatchObject({ state: 'ok', found: `${ALL} rules watch the log` })
})
