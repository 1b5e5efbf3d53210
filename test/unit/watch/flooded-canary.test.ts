import { expect, test } from 'vitest'
import { Rules } from '../../../src/watch/engine/engine.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { RuleRun } from '../../support/rule-fixtures.ts'

// A flood is the noise in which an attacker would try ids: what it touches must show in its sum.

const CANARY = 'canary-7c1f'

/** Which findings the rules would make of all records of a gate. */
async function found({ ledger }: MemoryGate, canaries: readonly string[]) {
  const { entries } = await ledger.read({ limit: 100_000 })
  const run = new RuleRun()
  run.observe(new Rules({ canaries: () => new Set(canaries), seed: 1 }), entries)
  return run.detections.map(({ rule, group }) => ({ rule, group }))
}

test('a canary that is touched in a flood without a token is found, and no other rule counts the flood', async () => {
  const gate = await memoryGate({ network: () => ({ ip: '81.2.69.7' }) })
  // At once, as each answer waits for its slot.
  await Promise.all(Array.from({ length: 400 }, (_, i) => gate.fetch(`/recordings/guess-${i}`)))
  await gate.fetch(`/recordings/${CANARY}`)
  await gate.flush()
  const naming = (await gate.events('access')).filter(({ recording }) => recording === CANARY)
  expect(naming).toEqual([])
  expect(await found(gate, [CANARY])).toEqual([{ rule: 'RG-040', group: { recording: CANARY } }])
  expect(await found(gate, [])).toEqual([])
})
