import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Generations } from '../../../src/watch/engine/generations.ts'
import { Glance } from '../../../src/watch/engine/glance.ts'
import { IsolateNumbers } from '../../../src/watch/engine/isolate-numbers.ts'
import { Hash, RecentSets } from '../../../src/watch/engine/recent-sets.ts'
import { sample } from '../../support/sample.ts'

describe('generations', () => {
  test('what is asked for stays, and the rest is forgotten', () => {
    const map = new Generations<number, number>(10)
    for (let i = 0; i < 100; i++) {
      map.set(i, i)
      map.get(0)
    }
    expect(map.get(0)).toBe(0)
    expect(map.get(50)).toBeUndefined()
    expect([...map.entries()].length).toBeLessThanOrEqual(20)
  })
})

describe('recent sets', () => {
  test('a set counts what a plain list of its window would, whatever the order of time', () => {
    const step = fc.record({ member: fc.nat(6), time: fc.integer({ min: 1_000, max: 1_090 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const sets = new RecentSets(100, 50, 10)
        const seen = new Map<number, number>()
        for (const { member, time } of steps) {
          const isNew = !seen.has(member)
          seen.set(member, Math.max(time, seen.get(member) ?? 0))
          const counted = sets.add(1, member, time)
          expect(counted.isNew).toBe(isNew)
          // Of a member that was there before, the count is that of the windows of this time alone.
          if (isNew) expect(counted.count).toBe(seen.size)
        }
      }),
      sample(500, 20_000),
    )
  })

  test('no count is above what some window holds', () => {
    const step = fc.record({ member: fc.nat(9), time: fc.integer({ min: 1_000, max: 2_000 }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const sets = new RecentSets(100, 50, 10)
        steps.forEach(({ member, time }, i) => {
          const before = steps.slice(0, i + 1)
          const most = Math.max(
            ...before.map(({ time: start }) => {
              const within = before.filter(one => one.time >= start && one.time < start + 100)
              return new Set(within.map(one => one.member)).size
            }),
          )
          expect(sets.add(1, member, time).count).toBeLessThanOrEqual(most)
        })
      }),
      sample(500, 20_000),
    )
  })

  test('hashes of similar names differ, and with another seed they are others', () => {
    const hash = new Hash(7)
    const names = Array.from({ length: 50_000 }, (_, i) => `rec-${i}`)
    expect(new Set(names.map(one => hash.long(one))).size).toBe(50_000)
    expect(new Set(names.map(one => hash.short(one))).size).toBeGreaterThan(49_990)
    expect(new Hash(8).long('rec-1')).not.toBe(hash.long('rec-1'))
  })
})

describe('numbers of an isolate', () => {
  test('what is lost is what did not come, whatever the order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { minLength: 1 }), numbers => {
        const isolate = new IsolateNumbers(0)
        for (const number of numbers) isolate.add(number, 0)
        const missing = Math.max(...numbers) - numbers.length
        expect(isolate.hasHoles).toBe(missing > 0)
        expect(isolate.takeLost(0)).toBe(missing)
        expect(isolate.hasHoles).toBe(false)
      }),
      sample(500, 20_000),
    )
  })

  test('what is explained is not lost', () => {
    const isolate = new IsolateNumbers(0)
    isolate.add(10, 0)
    isolate.explain(3, 7)
    expect(isolate.takeLost(0)).toBe(4)
  })

  test.each([
    ['{"gate":{"isolate":"a1","seq":7,"version":"0.7.0"}}', [['a1', 7]]],
    [
      '{"gate":{"isolate":"a1","seq":2},"merged":[{"isolate":"a1","seq":[2,3]},{"isolate":"b2","seq":[41]}],"t":1}',
      [
        ['a1', 2],
        ['a1', 2],
        ['a1', 3],
        ['b2', 41],
      ],
    ],
    ['{"gate":{"isolate":"a1","seq":2},"merged":[{"isolate":"a1","seq":["x"}', [['a1', 2]]],
    ['{"gate":{"isolate":"a1","seq":-2}}', undefined],
    ['{"gate":{"seq":2}}', undefined],
    ['gate', undefined],
  ])('the numbers in %s are read', (json, expected) => {
    const numbered = new Glance(json.replace(/}$/, ',"kind":"delivery"}')).numbered(0)
    const found = numbered && [
      [numbered.isolate, numbered.seq],
      ...numbered.merged.flatMap(({ isolate, seqs }) => seqs.map(seq => [isolate, seq])),
    ]
    expect(found).toEqual(expected)
  })
})
