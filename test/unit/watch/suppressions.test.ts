import { describe, expect, test } from 'vitest'
import { Rules } from '../../../src/watch/engine/engine.ts'
import { FindingBook } from '../../../src/watch/finding-book.ts'
import { fieldsOf, watchWith } from '../../../src/watch/in-force.ts'
import { RULES } from '../../../src/watch/rules/rules.ts'
import { RuleRun, recordsOf, ruleFixtures, START } from '../../support/rule-fixtures.ts'

// What findings of a rule may be suppressed by: what they can be grouped by, and no more.

const suppress = (rule: string, group: object, more: { readonly crowd?: true } = {}) => {
  const book = new FindingBook(watchWith(), { findings: [], suppressions: [], seq: 0 })
  const wanted = { rule, group, by: 'psn_9', reason: 'why', expires: START + 3_600_000, ...more }
  const text = { id: 'text', of: 'x', by: 'psn_9', at: START, sha256: '', text: 'why' }
  const made = book.suppress(wanted, text, START)
  return typeof made === 'string' ? made : 'suppressed'
}

describe('a suppression', () => {
  test.each([
    ['RG-001', {}],
    ['RG-001', { subject: 'psn_1' }],
    ['RG-001', { subject: 'psn_1', session: 'psn_2' }],
    ['RG-003', { release: '4.12.0' }],
    ['RG-005', { subject: 'psn_1' }],
    ['RG-100', { subject: 'psn_1' }],
    ['RG-101', { release: '4.12.0' }],
    ['*', { release: '4.12.0' }],
    ['*', { subject: 'psn_1' }],
  ])('of %s by %j is made', (rule, group) => expect(suppress(rule, group)).toBe('suppressed'))

  test.each([
    ['RG-001', { release: '4.12.0' }],
    ['RG-001', { subject: 'psn_1', release: '4.12.0' }],
    ['RG-004', { subject: 'psn_1' }],
    ['RG-007', { recording: 'rec-1' }],
    ['RG-015', { network: '192.0.2.0/24' }],
    ['RG-100', { release: '4.12.0' }],
  ])('of %s by %j is refused: no finding of it is grouped so', (rule, group) =>
    expect(suppress(rule, group)).toBe('group_wrong'),
  )

  test('of a crowd is by its release, whatever the rule, and by nothing else', () => {
    const crowd = true as const
    expect(suppress('RG-001', { release: '4.12.0' }, { crowd })).toBe('suppressed')
    expect(suppress('RG-001', {}, { crowd })).toBe('group_wrong')
    expect(suppress('RG-001', { subject: 'psn_1' }, { crowd })).toBe('group_wrong')
    expect(suppress('RG-001', { release: '4.12.0', subject: 'psn_1' }, { crowd })).toBe('group_wrong')
    expect(suppress('*', { release: '4.12.0' }, { crowd })).toBe('group_wrong')
    expect(suppress('RG-022', { release: '4.12.0' }, { crowd })).toBe('never_suppressed')
  })
})

test('all that rules find is grouped by what it may be suppressed by', () => {
  const seen = new Set<string>()
  for (const { canaries = [], fires } of ruleFixtures()) {
    for (const sequence of fires) {
      const engine = new Rules({ canaries: () => new Set(canaries), seed: 1 })
      for (const { rule, group } of new RuleRun().observe(engine, recordsOf(sequence))) {
        seen.add(rule)
        const fields = Object.keys(group)
        // A release may be that of a crowd.
        if (fields.join() !== 'release') expect(fieldsOf(rule), rule).toEqual(expect.arrayContaining(fields))
      }
    }
  }
  expect(seen.size).toBe(RULES.length)
})
