import { expect, test } from 'vitest'
import { RuleReplay } from '../../../../src/cli/rules/replay.ts'
import { recordsOf } from '../../../support/rule-fixtures.ts'

// What the rules would have found in a part of the log.

const views = (seqs: readonly number[]) =>
  recordsOf({
    title: '',
    records: seqs.map((seq, i) => ({
      ...{ at: i * 60, kind: 'view', subject: '@A', owner: '@A', session: '@s', recording: 'rec' },
      gate: { isolate: 'aaaaaaaa', seq },
    })),
  })

function found(...parts: readonly (readonly number[])[]) {
  const replay = new RuleReplay(new Set())
  for (const seqs of parts) replay.look(views(seqs))
  return replay.findings.map(({ rule, group }) => [rule, group])
}

test('what came before the part is not taken for lost', () => {
  expect(found(Array.from({ length: 20 }, (_, i) => 500 + i))).toEqual([])
})

test('what is missing in the part is', () => {
  const seqs = Array.from({ length: 20 }, (_, i) => (i < 5 ? 500 + i : 600 + i))
  expect(found(seqs)).toEqual([['RG-030', { isolate: 'aaaaaaaa' }]])
})
