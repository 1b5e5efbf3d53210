import { describe, expect, test } from 'vitest'
import type { Ledger, LedgerSpool } from '../../src/ledger/ledger.ts'
import { withSpool } from '../../src/ledger/spool.ts'
import { createMemoryLedger } from '../../src/runtime/memory/index.ts'

// What every adapter of the port Overflow must do, and what a ledger with it behind then does.

const entry = (id: string) => ({ id, json: `{"id":"${id}","t":"2026-11-23T00:00:00.000Z"}` })

/** A ledger whose ways of failing can be switched on. */
function fragileLedger() {
  const inner = createMemoryLedger()
  const state: { mood: 'well' | 'down' | 'silent' | 'slow' } = { mood: 'well' }
  const ledger: Ledger = {
    async record(one) {
      if (state.mood === 'down') throw new Error('Durable Object is overloaded')
      if (state.mood === 'silent') return new Promise(() => {})
      await inner.record(one)
      // The write arrives, its confirmation doesn't.
      if (state.mood === 'slow') return new Promise(() => {})
    },
    read: query => inner.read(query),
  }
  return { state, ledger, inner }
}

export function overflowContract(name: string, create: () => LedgerSpool): void {
  describe(`${name} is an overflow`, () => {
    test('keeps, lists and drops', async () => {
      const spool = create()
      expect(await spool.waiting(10)).toEqual([])
      await spool.keep(entry('a'))
      await spool.keep(entry('b'))
      await spool.keep(entry('a'))
      expect((await spool.waiting(10)).map(({ id }) => id).sort()).toEqual(['a', 'b'])
      expect(await spool.waiting(1)).toHaveLength(1)
      await spool.drop(['a', 'never there'])
      await spool.drop([])
      expect(await spool.waiting(10)).toEqual([entry('b')])
      await spool.drop(['b'])
    })

    test.each(['down', 'silent', 'slow'] as const)(
      'no denial without a record, with a ledger that is %s',
      async mood => {
        const { state, ledger } = fragileLedger()
        const all = withSpool(ledger, create(), 50)
        await all.record(entry('before'))
        state.mood = mood
        await Promise.all(
          Array.from({ length: 150 }, (_, i) => all.record(entry(`during-${String(i).padStart(3, '0')}`))),
        )
        state.mood = 'well'
        await all.record(entry('later'))
        while ((await all.replay()) > 0);
        const { entries } = await all.read({ limit: 1000 })
        expect(new Set(entries.map(({ id }) => id)).size).toBe(152)
        expect(entries).toHaveLength(152)
        expect(await all.replay()).toBe(0)
      },
    )

    test('a replay that breaks off loses nothing', async () => {
      const { state, ledger, inner } = fragileLedger()
      const all = withSpool(ledger, create(), 50)
      state.mood = 'down'
      await all.record(entry('kept'))
      await expect(all.replay()).rejects.toThrow()
      state.mood = 'well'
      expect(await all.replay()).toBe(1)
      expect((await inner.read({ limit: 10 })).entries).toEqual([entry('kept')])
    })

    test('a reader sees what waits, and reads on where the overflow can not be reached', async () => {
      const { state, ledger } = fragileLedger()
      const spool = create()
      const all = withSpool(ledger, spool, 50)
      state.mood = 'down'
      await all.record(entry('waiting'))
      state.mood = 'well'
      const unreachable: LedgerSpool = { ...spool, waiting: () => Promise.reject(new Error('R2 is down')) }
      expect((await withSpool(ledger, unreachable, 50).read({ limit: 10 })).entries).toEqual([])
      expect((await all.read({ limit: 10 })).entries).toEqual([entry('waiting')])
    })

    test('an overflow that never answers is a failure too', async () => {
      const { state, ledger } = fragileLedger()
      state.mood = 'silent'
      const silent: LedgerSpool = { ...create(), keep: () => new Promise(() => {}) }
      await expect(withSpool(ledger, silent, 50).record(entry('lost'))).rejects.toThrow('took over 50 ms')
    })

    test('where both fail, the caller hears of it', async () => {
      const { state, ledger } = fragileLedger()
      state.mood = 'down'
      const broken: LedgerSpool = { ...create(), keep: () => Promise.reject(new Error('R2 is down too')) }
      await expect(withSpool(ledger, broken, 50).record(entry('lost'))).rejects.toThrow('R2 is down too')
    })
  })
}
