import { describe, expect, test } from 'vitest'
import type { Ledger, Overflow } from '../../src/ledger/ledger.ts'
import { steadfast } from '../../src/ledger/steadfast.ts'
import { memoryLedger } from '../../src/runtime/memory/index.ts'

// What every adapter of the port Overflow must do, and what a ledger with it behind then does.

const entry = (id: string) => ({ id, json: `{"id":"${id}","t":"2026-11-23T00:00:00.000Z"}` })

/** A ledger whose ways of failing can be switched on. */
function fragileLedger() {
  const inner = memoryLedger()
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

export function overflowContract(name: string, create: () => Overflow): void {
  describe(`${name} is an overflow`, () => {
    test('keeps, lists and drops', async () => {
      const overflow = create()
      expect(await overflow.waiting(10)).toEqual([])
      await overflow.keep(entry('a'))
      await overflow.keep(entry('b'))
      await overflow.keep(entry('a'))
      expect((await overflow.waiting(10)).map(({ id }) => id).sort()).toEqual(['a', 'b'])
      expect(await overflow.waiting(1)).toHaveLength(1)
      await overflow.drop(['a', 'never there'])
      await overflow.drop([])
      expect(await overflow.waiting(10)).toEqual([entry('b')])
      await overflow.drop(['b'])
    })

    test.each(['down', 'silent', 'slow'] as const)(
      'no denial without a record, with a ledger that is %s',
      async mood => {
        const { state, ledger } = fragileLedger()
        const all = steadfast(ledger, create(), 50)
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
      const all = steadfast(ledger, create(), 50)
      state.mood = 'down'
      await all.record(entry('kept'))
      await expect(all.replay()).rejects.toThrow()
      state.mood = 'well'
      expect(await all.replay()).toBe(1)
      expect((await inner.read({ limit: 10 })).entries).toEqual([entry('kept')])
    })

    test('a reader sees what waits, and reads on where the overflow can not be reached', async () => {
      const { state, ledger } = fragileLedger()
      const overflow = create()
      const all = steadfast(ledger, overflow, 50)
      state.mood = 'down'
      await all.record(entry('waiting'))
      state.mood = 'well'
      const unreachable: Overflow = { ...overflow, waiting: () => Promise.reject(new Error('R2 is down')) }
      expect((await steadfast(ledger, unreachable, 50).read({ limit: 10 })).entries).toEqual([])
      expect((await all.read({ limit: 10 })).entries).toEqual([entry('waiting')])
    })

    test('an overflow that never answers is a failure too', async () => {
      const { state, ledger } = fragileLedger()
      state.mood = 'silent'
      const silent: Overflow = { ...create(), keep: () => new Promise(() => {}) }
      await expect(steadfast(ledger, silent, 50).record(entry('lost'))).rejects.toThrow('took over 50 ms')
    })

    test('where both fail, the caller hears of it', async () => {
      const { state, ledger } = fragileLedger()
      state.mood = 'down'
      const broken: Overflow = { ...create(), keep: () => Promise.reject(new Error('R2 is down too')) }
      await expect(steadfast(ledger, broken, 50).record(entry('lost'))).rejects.toThrow('R2 is down too')
    })
  })
}
