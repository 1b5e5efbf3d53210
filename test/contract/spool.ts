import { describe, expect, test } from 'vitest'
import type { Ledger, LedgerSpool } from '../../src/ledger/ledger.ts'
import { type SpooledLedger, withSpool } from '../../src/ledger/spool.ts'
import { createMemoryLedger } from '../../src/runtime/memory/index.ts'

// What every adapter of the port LedgerSpool must do, and what a ledger with a spool behind it then does.

const entry = (id: string) => ({ id, json: `{"id":"${id}","t":"2026-11-23T00:00:00.000Z"}` })
const idsIn = async (ledger: Ledger) => (await ledger.read({ limit: 1000 })).entries.map(({ id }) => id)

/** A ledger whose ways of failing can be switched on. */
function fragileLedger() {
  const inner = createMemoryLedger()
  const state: { mood: 'well' | 'down' | 'silent' | 'slow' } = { mood: 'well' }
  const ledger: Ledger = {
    ...inner,
    async append(entries) {
      if (state.mood === 'down') throw new Error('Durable Object is overloaded')
      if (state.mood === 'silent') return new Promise(() => {})
      const outcomes = await inner.append(entries)
      // The write arrives, its confirmation doesn't.
      return state.mood === 'slow' ? new Promise(() => {}) : outcomes
    },
    read: query => inner.read(query),
  }
  return { state, ledger, inner }
}

/** Replays until nothing waits, at most ten times: a spool that never drops would come back for ever. */
async function replayAll(ledger: SpooledLedger): Promise<number> {
  let count = 0
  for (let i = 0; i < 10; i++) {
    const replayed = await ledger.replay()
    if (replayed === 0) break
    count += replayed
  }
  return count
}

export function spoolContract(name: string, create: () => LedgerSpool): void {
  describe(`${name} as a spool`, () => {
    test('a spool keeps, lists and drops records', async () => {
      const spool = create()
      expect(await spool.waiting(10)).toEqual([])
      await spool.keep(entry('a'))
      await spool.keep(entry('b'))
      await spool.keep(entry('a'))
      expect(await spool.waiting(10)).toEqual([entry('a'), entry('b')])
      expect(await spool.waiting(1)).toHaveLength(1)
      expect(await spool.waiting(1, 'b')).toEqual([])
      await spool.drop(['a', 'never there'])
      await spool.drop([])
      expect(await spool.waiting(10)).toEqual([entry('b')])
      await spool.drop(['b'])
    })

    test('a spool lists records in the order of their ids, and reads on after an id that it may not have', async () => {
      const spool = create()
      const ids = ['c', 'a', 'e', 'b', 'd']
      for (const id of ids) await spool.keep(entry(id))
      const idsAfter = async (limit: number, after?: string) =>
        (await spool.waiting(limit, after)).map(({ id }) => id)
      expect(await idsAfter(10)).toEqual(['a', 'b', 'c', 'd', 'e'])
      expect([await idsAfter(2), await idsAfter(2, 'b'), await idsAfter(2, 'd')]).toEqual([
        ['a', 'b'],
        ['c', 'd'],
        ['e'],
      ])
      await spool.drop(['b', 'c'])
      expect([await idsAfter(2, ''), await idsAfter(2, 'b'), await idsAfter(2, 'e')]).toEqual([
        ['a', 'd'],
        ['d', 'e'],
        [],
      ])
      await spool.drop(ids)
    })

    test('a replay gets past any number of records that the ledger never takes, and these stay in the spool', async () => {
      const spool = create()
      const inner = createMemoryLedger()
      const append: Ledger['append'] = async entries => {
        if (entries.some(({ id }) => id.startsWith('full'))) throw new Error('SQLITE_FULL')
        return inner.append(entries)
      }
      const all = withSpool({ ...inner, append }, spool, 500)
      const full = Array.from({ length: 120 }, (_, i) => `full-${String(i).padStart(3, '0')}`)
      const kept = [...full, 'a', 'full-050-between', 'z']
      await Promise.all(kept.map(id => spool.keep(entry(id))))
      await expect(all.replay()).rejects.toThrow('SQLITE_FULL')
      expect(await idsIn(all)).toEqual(['a', 'z'])
      const stuck = kept.filter(id => id.startsWith('full')).toSorted()
      expect((await spool.waiting(200)).map(({ id }) => id)).toEqual(stuck)
      await spool.drop(stuck)
    })

    test.each(['down', 'silent', 'slow'] as const)(
      'no denial without a record: a spool keeps what a ledger that is %s does not confirm',
      async mood => {
        const { state, ledger } = fragileLedger()
        const spool = create()
        const all = withSpool(ledger, spool, 50)
        await all.append([entry('before')])
        state.mood = mood
        const during = Array.from({ length: 150 }, (_, i) => entry(`during-${String(i).padStart(3, '0')}`))
        await Promise.all(during.map(one => all.append([one])))
        state.mood = 'well'
        await all.append([entry('later')])
        expect(await replayAll(all)).toBe(150)
        expect((await idsIn(all)).toSorted()).toEqual(
          ['before', 'later', ...during.map(({ id }) => id)].sort(),
        )
        expect(await spool.waiting(10)).toEqual([])
      },
    )

    test('a replay drops from the spool what the ledger has, and nothing before', async () => {
      const { state, ledger, inner } = fragileLedger()
      const spool = create()
      const all = withSpool(ledger, spool, 50)
      state.mood = 'down'
      await all.append([entry('a'), entry('b')])
      await expect(all.replay()).rejects.toThrow()
      expect((await spool.waiting(10)).map(({ id }) => id).sort()).toEqual(['a', 'b'])
      state.mood = 'well'
      expect(await all.replay()).toBe(2)
      expect(await spool.waiting(10)).toEqual([])
      expect((await idsIn(inner)).toSorted()).toEqual(['a', 'b'])
      expect(await all.replay()).toBe(0)
    })

    test('a read never replays, and needs no spool', async () => {
      const { state, ledger } = fragileLedger()
      const spool = create()
      state.mood = 'down'
      await withSpool(ledger, spool, 50).append([entry('waiting')])
      state.mood = 'well'
      const unreachable = () => Promise.reject(new Error('R2 is down'))
      const all = withSpool(ledger, { keep: unreachable, waiting: unreachable, drop: unreachable }, 50)
      expect(await idsIn(all)).toEqual([])
      expect(await idsIn(withSpool(ledger, spool, 50))).toEqual([])
      expect(await spool.waiting(10)).toEqual([entry('waiting')])
    })

    test('an append rejects if neither the ledger nor the spool ever answers', async () => {
      const { state, ledger } = fragileLedger()
      state.mood = 'silent'
      const silent: LedgerSpool = { ...create(), keep: () => new Promise(() => {}) }
      await expect(withSpool(ledger, silent, 50).append([entry('lost')])).rejects.toThrow('took over 50 ms')
    })

    test('an append rejects with the failure of the spool if both the ledger and the spool fail', async () => {
      const { state, ledger } = fragileLedger()
      state.mood = 'down'
      const broken: LedgerSpool = { ...create(), keep: () => Promise.reject(new Error('R2 is down too')) }
      await expect(withSpool(ledger, broken, 50).append([entry('lost')])).rejects.toThrow('R2 is down too')
    })
  })
}
