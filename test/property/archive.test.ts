import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { type ArchiveStore, createMemoryArchive } from '../../src/archive/archive-store.ts'
import type { LedgerEntry } from '../../src/ledger/ledger.ts'
import { ArchivedLog, DAY, entryAt, START } from '../support/archived-log.ts'
import { sample } from '../support/sample.ts'

// Any sequence of appends, archiving, pruning, crashes and restarts: the log and its archive together are one log.

type Step =
  | { readonly do: 'append'; readonly count: number; readonly odd: boolean }
  | { readonly do: 'work'; readonly steps: number; readonly days: number }
  /** Each crash comes at some call to the store, before or after it took effect. */
  | { readonly do: 'crash'; readonly call: number; readonly isAfter: boolean }
  | { readonly do: 'restart' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('append' as const),
    count: fc.integer({ min: 1, max: 700 }),
    odd: fc.boolean(),
  }),
  fc.record({ do: fc.constant('work' as const), steps: fc.nat(6), days: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ do: fc.constant('crash' as const), call: fc.nat(8), isAfter: fc.boolean() }),
  fc.record({ do: fc.constant('restart' as const) }),
)

/** A store that fails at one of its next calls, before or after the call took effect. */
function fragile(inner: ArchiveStore) {
  const plan = { call: Number.POSITIVE_INFINITY, isAfter: false }
  const call = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    const isHit = plan.call-- === 0
    if (isHit && !plan.isAfter) throw new Error('crash')
    const value = await work()
    if (isHit) throw new Error('crash')
    return value
  }
  const store: ArchiveStore = {
    create: (name, bytes) => call(() => inner.create(name, bytes)),
    read: name => call(() => inner.read(name)),
    remove: name => call(() => inner.remove(name)),
  }
  return { store, plan }
}

test('a log and its archive return each record once, in order and byte for byte, whatever happens', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {})
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async steps => {
      const path = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite')
      const { store, plan } = fragile(createMemoryArchive())
      const clock = { now: START }
      const limits = { days: 2, records: 900, years: 6 }
      let log = new ArchivedLog(path, limits, clock, store)
      const all: LedgerEntry[] = []
      for (const one of steps) {
        if (one.do === 'append') {
          const entries = Array.from({ length: one.count }, (_, i) =>
            one.odd && i % 7 === 0
              ? { ...entryAt(clock.now), json: `[${i},\n"é"]` }
              : entryAt(clock.now + i * 1000, { subject: `psn_${i % 5}` }),
          )
          await log.append(entries)
          all.push(...entries)
        }
        if (one.do === 'work') {
          clock.now += one.days * DAY + 61_000
          for (let i = 0; i < one.steps; i++) await log.archiver.step()
        }
        if (one.do === 'crash') Object.assign(plan, { call: one.call, isAfter: one.isAfter })
        if (one.do === 'crash' || one.do === 'restart') {
          if (one.do === 'crash') for (let i = 0; i < 3; i++) await log.archiver.step()
          plan.call = Number.POSITIVE_INFINITY
          log.file.close()
          log = new ArchivedLog(path, limits, clock, store)
        }
        const indexed = all.map((entry, index) => ({ ...entry, index }))
        expect(await log.all({}, 400)).toEqual(indexed)
        expect(await log.all({ order: 'newest' }, 300)).toEqual(indexed.toReversed())
        const some = indexed.filter(({ json }) => json.includes('"psn_3"'))
        expect(await log.all({ subject: 'psn_3' }, 50)).toEqual(some)
        expect(await log.all({ subject: 'psn_3', order: 'newest' }, 50)).toEqual(some.toReversed())
      }
      // Whatever crashed, it goes on at the end.
      for (let i = 0; i < 3; i++) {
        clock.now += 3 * DAY
        await log.settle(clock)
      }
      expect(await log.behind()).toBe(0)
      expect(log.events.size - log.events.first).toBeLessThan(128)
      log.file.close()
    }),
    sample(12, 200),
  )
})
