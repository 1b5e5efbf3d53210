import { describe, expect, test } from 'vitest'
import { createMemoryArchive } from '../../src/archive/archive-store.ts'
import { type ArchivedLog, keepLog } from '../../src/archive/keep.ts'
import type { LiveLog, Manifest } from '../../src/archive/live-log.ts'
import type { LedgerEntry } from '../../src/ledger/ledger.ts'
import type { TableQuery } from '../../src/ledger/query/table-page.ts'
import { DAY, entryAt, START } from '../support/archived-log.ts'

// What every adapter of the ports LiveLog and Manifest must do; each adapter's test file runs this.

/** A live log, its manifest, and what stores records in it. */
export interface LiveLogUnderTest {
  readonly live: LiveLog
  readonly manifest: Manifest
  /** Resolves when each record has its index. */
  append(entries: readonly LedgerEntry[]): Promise<void>
}

const COUNT = 4_100
/** Of one record in seven, which a filter asks for. */
const IS_OF_ONE = (index: number) => index % 7 === 3

/** Records of so many minutes, one a minute. */
const entries = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) =>
    entryAt(START + (i + from) * 60_000, { subject: `psn_${(i + from) % 7}` }),
  )

const LIMITS = { days: 2, records: 1_000_000, years: 6 }

export function liveLogContract(name: string, create: () => Promise<LiveLogUnderTest>): void {
  /** A log whose records are all in the archive, and old enough to be pruned. */
  async function archived() {
    const { live, manifest, append } = await create()
    const clock = { now: START + 10 * DAY }
    const all = entries(COUNT)
    for (let i = 0; i < COUNT; i += 500) await append(all.slice(i, i + 500))
    const keeping = { archive: createMemoryArchive(), limits: LIMITS }
    const { archiver } = keepLog(live, manifest, keeping, () => clock.now)
    const settle = async () => {
      let next = await archiver.step()
      while (next <= clock.now) next = await archiver.step()
    }
    await settle()
    clock.now += 10 * DAY
    return { live, manifest, keeping, settle, now: () => clock.now }
  }

  describe(`${name} as a live log`, () => {
    test('a live log prunes its first records and what leads to them, and keeps the newest', async () => {
      const { live, append } = await create()
      await append(entries(1_000))
      expect(await live.bounds()).toEqual({ first: 0, end: 1_000 })
      while (await live.prune(600));
      const { first, end } = await live.bounds()
      expect(end).toBe(1_000)
      expect(first).toBeGreaterThan(500)
      expect(first).toBeLessThanOrEqual(600)
      for (const query of [{}, { subject: 'psn_3' }, { since: new Date(START).toISOString() }]) {
        const page = await live.read({ ...query, from: 0, limit: 1_000 })
        const wanted = Array.from({ length: end - first }, (_, i) => first + i)
        expect(page.entries.map(({ index }) => index)).toEqual(
          'subject' in query ? wanted.filter(IS_OF_ONE) : wanted,
        )
      }
      while (await live.prune(1_000));
      expect((await live.bounds()).first).toBeLessThan(1_000)
      await append(entries(10, 1_000))
      expect((await live.bounds()).end).toBe(1_010)
    })

    test('the last page of the newest first has the cursor of the first live record, or that of its query', async () => {
      const { live, append } = await create()
      await append(entries(1_000))
      const { cursor } = await live.read({ order: 'newest', limit: 700 })
      while (await live.prune(600));
      const { first } = await live.bounds()
      const rest = await live.read({ order: 'newest', limit: 1_000 })
      expect([rest.more, live.placeAt(rest.cursor)]).toEqual([false, first])
      const page = await live.read({ order: 'newest', limit: 1_000, after: cursor })
      expect([page.entries, page.more, live.placeAt(page.cursor)]).toEqual([[], false, 300])
      expect(live.placeAt(live.cursorAt(300))).toBe(300)
    })

    test.each(
      (['oldest', 'newest'] as const).flatMap(order =>
        ['each person', 'psn_3'].flatMap(of => [0, 3].map(page => [order, of, page] as const)),
      ),
    )(
      'a reader of the %s first, of %s, misses and doubles nothing if page %i is overtaken by pruning',
      async (order, of, overtaken) => {
        const subject = of === 'each person' ? undefined : of
        const { live, manifest, keeping, settle, now } = await archived()
        let isAsked = false
        const slow: LiveLog = {
          ...live,
          async bounds() {
            const bounds = await live.bounds()
            if (isAsked) await settle()
            isAsked = false
            return bounds
          },
        }
        const { log }: ArchivedLog = keepLog(slow, manifest, keeping, now)
        const query: TableQuery = {
          order,
          limit: subject === undefined ? 400 : 60,
          ...(subject && { subject }),
        }
        const found: number[] = []
        let [after, page]: [number | undefined, number] = [undefined, 0]
        for (let more = true; more; page++) {
          isAsked = page === overtaken
          const read = await log.read(after === undefined ? query : { ...query, after })
          found.push(...read.entries.map(({ index }) => index))
          ;({ more, cursor: after } = read)
        }
        expect((await live.bounds()).first).toBeGreaterThan(3_000)
        const wanted = Array.from({ length: COUNT }, (_, i) => i).filter(
          index => subject === undefined || IS_OF_ONE(index),
        )
        expect(found).toEqual(order === 'newest' ? wanted.reverse() : wanted)
      },
    )
  })

  describe(`${name} as a manifest`, () => {
    const segment = (first: number, last: number) => ({
      ...{ first, last, since: START + first, until: START + last, written: START },
      ...{ bytes: 1, sha256: `${first}-${last}`, terms: '' },
    })
    const all = {
      from: 0,
      to: 1_000,
      since: 0,
      until: Number.POSITIVE_INFINITY,
      isNewestFirst: false,
      limit: 10,
    }

    test('a manifest has its entries by index, each once, until they are removed', async () => {
      const { manifest } = await create()
      expect([await manifest.first(), await manifest.last(), await manifest.find(all)]).toEqual([
        undefined,
        undefined,
        [],
      ])
      for (const [first, last] of [
        [100, 199],
        [0, 99],
        [200, 249],
      ] as const)
        await manifest.add(segment(first, last))
      await manifest.add(segment(200, 299))
      expect(await manifest.first()).toEqual(segment(0, 99))
      expect(await manifest.last()).toEqual(segment(200, 299))
      await manifest.remove(0)
      expect(await manifest.find(all)).toEqual([segment(100, 199), segment(200, 299)])
      expect(await manifest.first()).toEqual(segment(100, 199))
    })

    test('a manifest finds what overlaps a span of indexes and of times, in the order asked for', async () => {
      const { manifest } = await create()
      for (let i = 0; i < 5; i++) await manifest.add(segment(i * 100, i * 100 + 99))
      const firsts = async (query: object) =>
        (await manifest.find({ ...all, ...query })).map(({ first }) => first)
      expect(await firsts({ from: 150, to: 301 })).toEqual([100, 200, 300])
      expect(await firsts({ from: 150, to: 300 })).toEqual([100, 200])
      expect(await firsts({ isNewestFirst: true, limit: 2 })).toEqual([400, 300])
      expect(await firsts({ since: START + 199, until: START + 300 })).toEqual([100, 200])
      expect(await firsts({ since: START + 200 })).toEqual([200, 300, 400])
    })
  })
}
