import { beforeEach, describe, expect, test } from 'vitest'
import { canonical } from '../../src/ledger/canonical.ts'
import type { Ledger, LedgerEntry } from '../../src/ledger/ledger.ts'

// What each ledger does that holds the deliveries of a view, and gives them one index for five minutes.

const MINUTE = 60_000

/** A ledger, and what happens to it. */
export interface HoldingLedger {
  readonly ledger: Ledger
  /** Lets so many milliseconds pass, after which the ledger has done what is due. */
  pass(milliseconds: number): Promise<void>
  /** Ends the process that holds the deliveries. The next one has the returned ledger. */
  restart(): Promise<Ledger>
}

let seq = 0
/** Returns a sum of what left in a view: ten bytes from a place on. */
export function delivery(view: string, first: number, members: object = {}): LedgerEntry {
  seq += 1
  const id = `id-${String(seq).padStart(6, '0')}`
  const at = '2026-11-27T00:00:00.000Z'
  const record = {
    ...{ v: 1, id, t: at, recorded: at, kind: 'delivery', decision: 'permit', tenant: 'north', view },
    ...{ recording: `rec-${view}`, gate: { version: '0.7.0', isolate: 'aaaa', seq } },
    ...{ answers: 1, cut: 0, assumed: 0, bytes: 10, parts: [{ ranges: [[first, first + 9]] }] },
    ...members,
  }
  return { id, json: canonical(record) }
}

export function deliveriesContract(name: string, create: () => Promise<HoldingLedger>): void {
  describe(`${name} holds deliveries`, () => {
    let ledger: Ledger
    let holding: HoldingLedger
    beforeEach(async () => {
      holding = await create()
      ;({ ledger } = holding)
    })
    const indexed = async () =>
      (await ledger.read({ limit: 100 })).entries.map(({ json }) => JSON.parse(json))
    const held = async (query = {}) => (await ledger.held(query)).map(({ json }) => JSON.parse(json))

    test('deliveries of a view get one index after five minutes, and are shown as they are so far until then', async () => {
      for (let i = 0; i < 12; i++) {
        await ledger.append([delivery('a', i * 10)])
        await holding.pass(10_000)
      }
      expect(await indexed()).toEqual([])
      expect(await held()).toMatchObject([{ bytes: 120, answers: 12, parts: [{ ranges: [[0, 119]] }] }])
      await holding.pass(2.9 * MINUTE)
      expect(await indexed()).toEqual([])
      await holding.pass(0.2 * MINUTE)
      const [{ merged }] = await indexed()
      expect(merged).toMatchObject([{ isolate: 'aaaa' }])
      expect(merged[0].seq).toHaveLength(12)
      expect(await indexed()).toMatchObject([{ bytes: 120, answers: 12, parts: [{ ranges: [[0, 119]] }] }])
      expect(await held()).toEqual([])
      expect((await ledger.read({ limit: 1 })).entries[0]?.index).toBe(0)
    })

    test('what is put together is found and counted as any other record', async () => {
      await ledger.append([delivery('a', 0), delivery('a', 10)])
      await holding.pass(6 * MINUTE)
      const found = await ledger.read({ limit: 10, recording: 'rec-a', kind: 'delivery', tenant: 'north' })
      expect(found.entries).toHaveLength(1)
      const all = { by: 'total', since: new Date(0).toISOString(), until: '2100-01-01T00:00:00Z' } as const
      const counts = await ledger.count(all)
      expect(counts.map(({ kind, count }) => [kind, count])).toEqual([
        ['bytes', 20],
        ['delivery', 1],
      ])
    })

    test('other records are not held up, and have their index at once', async () => {
      await ledger.append([delivery('a', 0), { id: 'view', json: '{"id":"view","kind":"view"}' }])
      expect(await indexed()).toMatchObject([{ kind: 'view' }])
    })

    test('a sum that comes again is not counted again: before its index, after it, and after a restart', async () => {
      const [one, two] = [delivery('a', 0), delivery('a', 10)]
      await ledger.append([one, two, one])
      await ledger.append([two])
      ledger = await holding.restart()
      await ledger.append([one])
      expect(await held()).toMatchObject([{ bytes: 20 }])
      await holding.pass(5 * MINUTE)
      await ledger.append([one, two])
      await holding.pass(5 * MINUTE)
      expect(await indexed()).toMatchObject([{ bytes: 20 }])
      expect(await held()).toEqual([])
    })

    test('a sum that an earlier version gave an index is not held when it comes again', async () => {
      const one = delivery('a', 0)
      await ledger.append([one])
      await holding.pass(5 * MINUTE)
      await holding.pass(8 * 24 * 60 * MINUTE)
      // Ids are forgotten after a week, while other views go on.
      await ledger.append([delivery('b', 0)])
      await holding.pass(5 * MINUTE)
      await ledger.append([one])
      expect(await held()).toEqual([])
    })

    test('what is held survives a restart, and gets its index then', async () => {
      await ledger.append([delivery('a', 0), delivery('b', 0)])
      ledger = await holding.restart()
      await holding.pass(6 * MINUTE)
      expect(await indexed()).toMatchObject([{ view: 'a' }, { view: 'b' }])
    })

    test('what does not fit into one record is in several, and nothing is lost', async () => {
      const large = (i: number) =>
        delivery('a', 0, {
          parts: Array.from({ length: 100 }, (_, n) => ({
            part: `${i}-${n}-${'x'.repeat(200)}`,
            ranges: [[0, 9]],
          })),
        })
      for (let i = 0; i < 4; i++) await ledger.append([large(i)])
      const partsIn = (records: readonly { parts: { part: string }[] }[]) =>
        records.flatMap(({ parts }) => parts.map(({ part }) => part)).sort()
      const all = partsIn([...(await indexed()), ...(await held())])
      expect(new Set(all).size).toBe(400)
      await holding.pass(6 * MINUTE)
      expect(await held()).toEqual([])
      const records = await indexed()
      expect(partsIn(records)).toEqual(all)
      expect(records.length).toBeGreaterThan(1)
      for (const record of records) expect(JSON.stringify(record).length).toBeLessThan(64 * 1024)
    })

    test('what is held is found by what a query asks', async () => {
      await ledger.append([delivery('a', 0), delivery('b', 0, { tenant: 'south' })])
      expect(await held({ recording: 'rec-a' })).toMatchObject([{ view: 'a' }])
      expect(await held({ tenant: 'south' })).toMatchObject([{ view: 'b' }])
      expect(await held({ kind: 'view' })).toEqual([])
      expect(await held({ since: '2026-11-27T00:00:00.001Z' })).toEqual([])
    })
  })
}
