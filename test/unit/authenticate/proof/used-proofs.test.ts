import { expect, test } from 'vitest'
import { UsedProofs } from '../../../../src/authenticate/proof/used-proofs.ts'
import { Fault } from '../../../../src/refusal.ts'

const LIFETIME = 65_000

test('a proof is new once', () => {
  const used = new UsedProofs(LIFETIME)
  expect(used.use('a', 0)).toBe(true)
  expect(used.use('b', 0)).toBe(true)
  expect(used.use('a', 1)).toBe(false)
  expect(used.use('a', 1)).toBe(false)
})

test('a proof is remembered until it can no longer be good, and then forgotten', () => {
  const used = new UsedProofs(LIFETIME, 2)
  used.use('a', 0)
  used.use('b', 1)
  expect(used.use('a', LIFETIME)).toBe(false)
  // `a` has made room, `b` has not.
  expect(used.use('c', LIFETIME + 1)).toBe(true)
  expect(used.use('b', LIFETIME + 1)).toBe(false)
})

test('with no room left a new proof is a fault, and no used one is forgotten for it', () => {
  const used = new UsedProofs(LIFETIME, 2)
  used.use('a', 0)
  used.use('b', 0)
  expect(() => used.use('c', 1)).toThrow(Fault)
  expect(() => used.use('c', 1)).toThrow('proofs_full')
  expect([used.use('a', LIFETIME), used.use('b', LIFETIME)]).toEqual([false, false])
  expect(used.use('c', LIFETIME + 1)).toBe(true)
})

test('a clock that is set back forgets nothing until it has caught up', () => {
  const used = new UsedProofs(LIFETIME)
  used.use('a', 1_000_000)
  used.use('b', 0)
  expect([used.use('a', 1_000_000), used.use('b', LIFETIME)]).toEqual([false, false])
  used.use('c', 1_000_000 + LIFETIME + 1)
  expect(used.use('a', 1_000_000 + LIFETIME + 1)).toBe(true)
})

test('a full memory forgets every proof that is over, however many there are', () => {
  const used = new UsedProofs(LIFETIME, 10_000)
  for (let i = 0; i < 10_000; i++) used.use(`${i}`, i)
  for (let i = 0; i < 10_000; i++) expect(used.use(`${i}`, LIFETIME + 10_000 + i)).toBe(true)
})
