import { describe, expect, test } from 'vitest'
import type { EventKind } from '../../src/ledger/event.ts'
import { eventId } from '../../src/ledger/event-id.ts'
import {
  CursorInvalid,
  type Ledger,
  type LedgerEntry,
  type LedgerPage,
  type LedgerQuery,
  QUERY_FIELDS,
} from '../../src/ledger/ledger.ts'

// What every adapter of the port Ledger must do; each adapter's test file runs this.

const START = Date.UTC(2026, 10, 23)

function entry(second: number, kind: EventKind = 'access'): LedgerEntry {
  const at = START + second * 1000
  const id = eventId(at)
  return { id, json: `{"id":"${id}","kind":"${kind}","t":"${new Date(at).toISOString()}"}` }
}

/** A page, of each entry only what was stored. */
interface Page extends Omit<LedgerPage, 'entries'> {
  readonly entries: readonly LedgerEntry[]
}

async function read(ledger: Ledger, query: LedgerQuery): Promise<Page> {
  const page = await ledger.read(query)
  return { ...page, entries: page.entries.map(({ id, json }) => ({ id, json })) }
}

async function readAll(ledger: Ledger, query: LedgerQuery): Promise<LedgerEntry[]> {
  const all: LedgerEntry[] = []
  let page = await read(ledger, query)
  for (;;) {
    expect(page.entries.length).toBeLessThanOrEqual(query.limit)
    all.push(...page.entries)
    if (!page.more) return all
    page = await read(ledger, { ...query, after: page.cursor })
  }
}

/** @param isPruned whether it prunes while a test runs: it counts minutes only as long as their records are live */
export function ledgerContract(name: string, create: () => Ledger, isPruned = false): void {
  const units = isPruned ? (['hour'] as const) : (['minute', 'hour'] as const)
  describe(`${name} as a ledger`, () => {
    test('a ledger returns what was recorded, oldest first', async () => {
      const ledger = create()
      const entries = Array.from({ length: 20 }, (_, i) => entry(i))
      for (const one of entries) await ledger.append([one])
      expect((await read(ledger, { limit: 100 })).entries).toEqual(entries)
    })

    test('an empty ledger has an empty page and a cursor to go on from', async () => {
      const ledger = create()
      const { entries, cursor, more } = await read(ledger, { limit: 10 })
      expect({ entries, more }).toEqual({ entries: [], more: false })
      const late = entry(1)
      await ledger.append([late])
      expect((await read(ledger, { limit: 10, after: cursor })).entries).toEqual([late])
    })

    test('an entry that is recorded twice is one entry, with its first content', async () => {
      const ledger = create()
      const one = entry(1)
      await Promise.all([ledger.append([one]), ledger.append([one]), ledger.append([one])])
      await ledger.append([{ ...one, json: '{"t":"changed"}' }])
      expect((await read(ledger, { limit: 10 })).entries).toEqual([one])
    })

    test('the first of two entries with one id in one append counts', async () => {
      const ledger = create()
      const one = entry(1)
      await ledger.append([one, { ...one, json: '{"t":"changed"}' }])
      expect((await read(ledger, { limit: 10 })).entries).toEqual([one])
    })

    test('a ledger numbers its entries without a gap, however often one comes', async () => {
      const ledger = create()
      const [a, b, c] = [entry(1), entry(2), entry(3)]
      await ledger.append([])
      for (const one of [a, b, b, b, c]) {
        await ledger.append([one])
        await ledger.read({ limit: 1 })
      }
      await ledger.append([a, c, a])
      const { entries } = await ledger.read({ limit: 10 })
      expect(entries.map(({ id, index }) => ({ id, index }))).toEqual(
        [a, b, c].map(({ id }, index) => ({ id, index })),
      )
    })

    test('an index is the same in every page, for good, whatever comes later', async () => {
      const ledger = create()
      await Promise.all(Array.from({ length: 50 }, (_, i) => ledger.append([entry(i)])))
      const indexes = new Map<string, number>()
      for (const query of [{ limit: 20 }, { limit: 20, order: 'newest' }, { limit: 100 }] as const) {
        await ledger.append([entry(0)])
        for (const { id, index } of (await ledger.read(query)).entries) {
          expect(indexes.get(id) ?? index).toBe(index)
          indexes.set(id, index)
        }
      }
      expect([...indexes.values()].sort((a, b) => a - b)).toEqual(Array.from({ length: 53 }, (_, i) => i))
    })

    test('reading back from the end returns each entry exactly once, in falling order, whatever is recorded', async () => {
      const ledger = create()
      const entries = Array.from({ length: 150 }, (_, i) => entry(i, i % 5 === 0 ? 'listed' : 'access'))
      for (let i = 0; i < entries.length; i += 10) await ledger.append(entries.slice(i, i + 10))
      for (const kind of [undefined, 'listed'] as const) {
        const query = { limit: 7, order: 'newest', ...(kind !== undefined && { kind }) } as const
        const wanted = entries.filter(({ json }) => kind === undefined || json.includes(kind))
        const seen: number[] = []
        let page = await ledger.read(query)
        const { end } = page
        for (;;) {
          seen.push(...page.entries.map(({ index }) => index))
          if (!page.more) break
          await ledger.append([entry(500, 'ticket')])
          page = await ledger.read({ ...query, after: page.cursor })
        }
        expect(seen).toEqual(seen.toSorted((a, b) => b - a))
        expect(seen).toHaveLength(wanted.length)
        // What came meanwhile is after the end of the first page.
        const later = await readAll(ledger, { limit: 100, after: end })
        expect(later.every(({ json }) => json.includes('"ticket"'))).toBe(true)
        expect(later.length).toBeGreaterThan(0)
        entries.push(...later)
      }
    })

    test('reading page after page returns each entry exactly once, whatever is recorded in between', async () => {
      const ledger = create()
      const entries = Array.from({ length: 97 }, (_, i) => entry(i))
      await Promise.all(entries.slice(0, 60).map(one => ledger.append([one])))
      const seen: LedgerEntry[] = []
      let page = await read(ledger, { limit: 7 })
      const rest = entries.slice(60)
      while (true) {
        seen.push(...page.entries)
        // Some of them with ids older than those read already, as from a clock that is behind.
        const next = rest.pop()
        if (next !== undefined) await ledger.append([next])
        else if (!page.more) break
        page = await read(ledger, { limit: 7, after: page.cursor })
      }
      expect(seen.map(({ id }) => id).sort()).toEqual(entries.map(({ id }) => id).sort())
    })

    test('concurrent appends are all stored', async () => {
      const ledger = create()
      const entries = Array.from({ length: 300 }, (_, i) => entry(i))
      await Promise.all(entries.map(one => ledger.append([one])))
      expect(await readAll(ledger, { limit: 50 })).toHaveLength(300)
    })

    test('a ledger is read from a moment on, or only its newest entries', async () => {
      const ledger = create()
      const entries = Array.from({ length: 30 }, (_, i) => entry(i))
      for (const one of entries) await ledger.append([one])
      const since = new Date(START + 25_000).toISOString()
      expect((await read(ledger, { limit: 100, since })).entries).toEqual(entries.slice(25))
      const newest = await read(ledger, { limit: 3, order: 'newest' })
      expect(newest.entries).toEqual(entries.slice(27).toReversed())
      expect((await read(ledger, { limit: 10, after: newest.end })).entries).toEqual([])
    })

    test('a read until a moment leaves out what was recorded then or later, and finds what came back late', async () => {
      const ledger = create()
      const at = (id: string, second: number, kind = 'access'): LedgerEntry => {
        const time = new Date(START + second * 1000).toISOString()
        return { id, json: JSON.stringify({ id, kind, t: time, recorded: time }) }
      }
      const entries = [at('a', 10), at('b', 20, 'view'), at('c', 30), at('d', 40), at('e', 15)]
      for (const one of entries) await ledger.append([one])
      const found = async (query: Partial<LedgerQuery>) =>
        (await readAll(ledger, { limit: 2, ...query })).map(({ id }) => id)
      const until = new Date(START + 30_000).toISOString()
      expect((await found({ until })).sort()).toEqual(['a', 'b', 'e'])
      expect((await found({ until, since: new Date(START + 15_000).toISOString() })).sort()).toEqual([
        'b',
        'e',
      ])
      expect((await found({ until, kind: 'access' })).sort()).toEqual(['a', 'e'])
      expect((await read(ledger, { until, limit: 1, order: 'newest' })).entries.map(({ id }) => id)).toEqual([
        'e',
      ])
    })

    test('a read from a moment on goes by when a record was handed over, not by when its request came', async () => {
      const ledger = create()
      const told = (id: string, members: object): LedgerEntry => ({ id, json: JSON.stringify(members) })
      const [early, late] = ['2026-11-23T00:00:05.000Z', '2026-11-23T00:00:30.000Z']
      const entries = [
        told('a', { t: early, recorded: early }),
        told('b', { t: late, recorded: early }),
        // Its caller held the body back.
        told('c', { t: early, recorded: late }),
        // Stored by a version that told only when the request came.
        told('d', { t: early }),
        told('e', { t: late }),
      ]
      for (const one of entries) await ledger.append([one])
      const page = await read(ledger, { limit: 9, since: '2026-11-23T00:00:20.000Z' })
      expect(page.entries.map(({ id }) => id)).toEqual(['c', 'e'])
    })

    test('a record that comes back late is found by its place, whatever its time', async () => {
      const ledger = create()
      for (let i = 20; i < 40; i++) await ledger.append([entry(i)])
      const since = new Date(START + 35_000).toISOString()
      let page = await read(ledger, { limit: 3, since })
      while (page.more) page = await read(ledger, { limit: 3, since, after: page.cursor })
      const late = entry(1)
      await ledger.append([late])
      expect((await read(ledger, { limit: 9, after: page.cursor })).entries).toEqual([late])
    })

    test.each<[string, object]>([
      ['a kind', { kind: 'ticket' }],
      ['a moment', { since: '2100-01-01T00:00:00.000Z' }],
      ['more than there are', { limit: 1000 }],
    ])('the cursor is at the end of the log once there is no more of %s', async (_, query) => {
      const ledger = create()
      for (let i = 0; i < 40; i++) await ledger.append([entry(i, i === 20 ? 'listed' : 'access')])
      const { cursor, more } = await read(ledger, { limit: 5, ...query })
      expect(more).toBe(false)
      const next = await read(ledger, { limit: 1000, after: cursor })
      expect(next).toEqual({ entries: [], cursor, end: cursor, more: false })
      const another = entry(50)
      await ledger.append([another])
      expect((await read(ledger, { limit: 1000, after: cursor })).entries).toEqual([another])
    })

    test('a read of one kind returns each of its entries once, whatever is in between', async () => {
      const ledger = create()
      const entries = Array.from({ length: 60 }, (_, i) => entry(i, i % 3 === 0 ? 'listed' : 'access'))
      for (const one of entries.slice(0, 50)) await ledger.append([one])
      const listed = entries.filter((_, i) => i % 3 === 0)
      const seen: LedgerEntry[] = []
      let page = await read(ledger, { limit: 4, kind: 'listed' })
      while (page.more) {
        seen.push(...page.entries)
        page = await read(ledger, { limit: 4, kind: 'listed', after: page.cursor })
      }
      for (const one of entries.slice(50)) await ledger.append([one])
      const late = await read(ledger, { limit: 100, kind: 'listed', after: page.cursor })
      expect([...seen, ...page.entries, ...late.entries]).toEqual(listed)
      const newest = await read(ledger, { limit: 2, order: 'newest', kind: 'listed' })
      expect(newest.entries).toEqual(listed.slice(-2).toReversed())
      expect((await read(ledger, { limit: 9, kind: 'ticket' })).entries).toEqual([])
      const both = { limit: 100, kind: 'listed', since: new Date(START + 50_000).toISOString() } as const
      expect((await read(ledger, both)).entries).toEqual(listed.slice(17))
    })

    test('a read of one tenant returns each entry of its callers, recordings and lists once', async () => {
      const ledger = create()
      const members: object[] = [
        { tenant: 'north' },
        { tenant: 'south' },
        { tenant: 'south', recording_tenant: 'north' },
        { tenant: 'north', recording_tenant: 'south', kind: 'view' },
        { tenant: 'northern', recording_tenant: 'NORTH' },
        { tenant: 'south', answers: [{ recording_tenant: 'east' }, { recording_tenant: 'north' }, {}] },
        { tenant: 'south', answers: [{ recording_tenant: 'east' }, { tenant: 'north' }] },
        { tenant: 'south', answers: 7, owner: 'north' },
        { tenant: 'south', answers: [] },
        {},
      ]
      const entries = Array.from({ length: 60 }, (_, i) => {
        const { id, json } = entry(i)
        return { id, json: JSON.stringify({ ...JSON.parse(json), ...members[i % members.length] }) }
      })
      for (const one of entries.slice(0, 45)) await ledger.append([one])
      const north = entries.filter((_, i) => [0, 2, 3, 5].includes(i % members.length))
      const seen: LedgerEntry[] = []
      let page = await read(ledger, { limit: 4, tenant: 'north' })
      while (page.more) {
        expect(page.entries.length).toBeLessThanOrEqual(4)
        seen.push(...page.entries)
        page = await read(ledger, { limit: 4, tenant: 'north', after: page.cursor })
      }
      for (const one of entries.slice(45)) await ledger.append([one])
      const late = await read(ledger, { limit: 100, tenant: 'north', after: page.cursor })
      expect([...seen, ...page.entries, ...late.entries]).toEqual(north)
      expect((await read(ledger, { limit: 3, order: 'newest', tenant: 'north' })).entries).toEqual(
        north.slice(-3).toReversed(),
      )
      const views = await read(ledger, { limit: 100, tenant: 'north', kind: 'view' })
      expect(views.entries).toEqual(entries.filter((_, i) => i % members.length === 3))
      expect((await read(ledger, { limit: 9, tenant: "north' OR 1=1 --" })).entries).toEqual([])
      expect((await read(ledger, { limit: 9, tenant: 'west' })).entries).toEqual([])
    })

    test.each(QUERY_FIELDS)(
      'records are found by one %s, alone and together with other members of a query',
      async name => {
        const ledger = create()
        const entries = Array.from({ length: 60 }, (_, i) => {
          const { id, json } = entry(i, i % 3 === 0 ? 'view' : 'access')
          const tenant = i % 2 === 0 ? 'north' : 'south'
          const told = { ...JSON.parse(json), tenant, recording_tenant: tenant }
          if (i % 5 === 0) told[name] = 'wanted'
          if (i % 5 === 1) told[name] = 'another'
          return { id, json: JSON.stringify(told) }
        })
        await ledger.append(entries)
        const wanted = (filter: (i: number) => boolean) => entries.filter((_, i) => i % 5 === 0 && filter(i))
        const all = (query: Partial<LedgerQuery>) => readAll(ledger, { limit: 3, [name]: 'wanted', ...query })
        expect(await all({})).toEqual(wanted(() => true))
        expect(await all({ kind: 'view' })).toEqual(wanted(i => i % 3 === 0))
        expect(await all({ tenant: 'north' })).toEqual(wanted(i => i % 2 === 0))
        expect(await all({ since: new Date(START + 30_000).toISOString() })).toEqual(wanted(i => i >= 30))
        expect(await all({ kind: 'access', tenant: 'south' })).toEqual(wanted(i => i % 3 > 0 && i % 2 === 1))
        const newest = await read(ledger, { limit: 2, order: 'newest', [name]: 'wanted' })
        expect(newest.entries).toEqual(
          wanted(() => true)
            .slice(-2)
            .toReversed(),
        )
        const other = QUERY_FIELDS.find(field => field !== name)
        expect(await all({ [other ?? '']: 'wanted' })).toEqual([])
        const several = (query: Partial<LedgerQuery>) =>
          readAll(ledger, { limit: 3, [name]: ['wanted', 'absent', 'another'], ...query })
        const either = (filter: (i: number) => boolean) => entries.filter((_, i) => i % 5 < 2 && filter(i))
        expect(await several({})).toEqual(either(() => true))
        expect(await several({ tenant: 'south', kind: 'view' })).toEqual(
          either(i => i % 2 === 1 && i % 3 === 0),
        )
        expect(
          (await read(ledger, { limit: 5, order: 'newest', [name]: ['another', 'wanted'] })).entries,
        ).toEqual(
          either(() => true)
            .slice(-5)
            .toReversed(),
        )
        expect(await several({ [other ?? '']: ['wanted', 'another'] })).toEqual([])
      },
    )

    test('an owner asked for together with a tenant is only that of recordings of the tenant', async () => {
      const ledger = create()
      const entries = Array.from({ length: 100 }, (_, i) => {
        const { id, json } = entry(i)
        const recording_tenant = i % 3 === 0 ? 'north' : 'south'
        return {
          id,
          json: JSON.stringify({ ...JSON.parse(json), tenant: 'north', owner: 'psn_1', recording_tenant }),
        }
      })
      await ledger.append(entries)
      const found = await readAll(ledger, { limit: 7, owner: 'psn_1', tenant: 'north' })
      expect(found).toEqual(entries.filter((_, i) => i % 3 === 0))
      expect(await readAll(ledger, { limit: 100, owner: 'psn_1' })).toEqual(entries)
    })

    test.each(units)('counts records by %s, kind, reason and tenant', async by => {
      const ledger = create()
      const kinds: EventKind[] = ['access', 'view', 'listed']
      const entries = Array.from({ length: 500 }, (_, i) => {
        const { id, json } = entry(i * 31, kinds[i % 3])
        const reason = i % 3 === 0 ? { reason: i % 2 === 0 ? 'not_owner' : 'token_missing' } : {}
        const tenants = {
          tenant: i % 5 === 0 ? 'north' : 'default',
          recording_tenant: i % 7 === 0 ? 'north' : 'south',
        }
        return { id, json: JSON.stringify({ ...JSON.parse(json), ...reason, ...tenants }) }
      })
      for (let i = 0; i < entries.length; i += 100) await ledger.append(entries.slice(i, i + 100))
      // Nothing counts twice.
      await ledger.append(entries.slice(0, 150))
      await ledger.read({ limit: 1 })
      const [since, until] = [new Date(START + 3_600_000), new Date(START + 4 * 3_600_000)]
      const times = { by, since: since.toISOString(), until: until.toISOString() }
      const unit = by === 'minute' ? 60_000 : 3_600_000
      for (const tenant of [undefined, 'north', 'nowhere']) {
        for (const filter of [{}, { kind: 'access' }, { reason: 'not_owner' }] as const) {
          const wanted = new Map<string, number>()
          for (const { json } of entries) {
            const { t, kind, reason, ...event } = JSON.parse(json)
            const start = Math.floor(Date.parse(t) / unit) * unit
            const isOf = tenant === undefined || [event.tenant, event.recording_tenant].includes(tenant)
            const isIn = start >= since.getTime() && start < until.getTime()
            if (
              !isOf ||
              !isIn ||
              !Object.entries(filter).every(([name, value]) => ({ kind, reason })[name] === value)
            )
              continue
            const key = `${new Date(start).toISOString()} ${kind} ${reason}`
            wanted.set(key, (wanted.get(key) ?? 0) + 1)
          }
          const counts = await ledger.count({ ...times, ...filter, ...(tenant !== undefined && { tenant }) })
          expect(
            counts.map(({ start, kind, reason, count }) => [`${start} ${kind} ${reason}`, count]),
          ).toEqual(
            [...wanted].sort(([a], [b]) =>
              a.replace(' undefined', '') < b.replace(' undefined', '') ? -1 : 1,
            ),
          )
        }
      }
    })

    test('a reader that waits is not woken by what another one reads', async () => {
      const ledger = create()
      await ledger.append([entry(1)])
      const { end } = await ledger.read({ limit: 1 })
      const began = Date.now()
      const waited = ledger.waitAfter(end, 400)
      for (let i = 0; i < 3; i++) await ledger.read({ limit: 1 })
      await waited
      expect(Date.now() - began).toBeGreaterThan(350)
    })

    test('the total adds up what records stand for, each once, whatever their time and tenant', async () => {
      const ledger = create()
      const facts = [
        { kind: 'access', reason: 'not_owner', tenant: 'north' },
        { kind: 'access', reason: 'not_owner', repeats: { of: 'a', count: 7 } },
        { kind: 'access', reason: 'token_missing', repeats: { until: '2026-11-22T10:00:00Z' } },
        { kind: 'access', reason: 'token_missing', sum: { of: 'a', count: 90 } },
        { kind: 'view' },
        { kind: 'delivery', bytes: 5_000_000_000 },
        { kind: 'gap', count: 3 },
        { kind: 'delivery', bytes: 'many' },
      ]
      const entries = Array.from({ length: 160 }, (_, i) => {
        const { id, json } = entry(i * 31)
        return { id, json: JSON.stringify({ ...JSON.parse(json), ...facts[i % facts.length] }) }
      })
      await ledger.append(entries)
      await ledger.append(entries.slice(0, 100))
      await ledger.read({ limit: 1 })
      const until = new Date(START + 365 * 86_400_000).toISOString()
      const counts = await ledger.count({ by: 'total', since: new Date(0).toISOString(), until })
      expect(counts.map(({ kind, reason, count }) => [kind, reason, count])).toEqual([
        ['access', undefined, 80],
        ['bytes', undefined, 100_000_000_000],
        ['delivery', undefined, 40],
        ['gap', undefined, 20],
        ['lost', undefined, 60],
        ['refusals', 'not_owner', 160],
        ['refusals', 'token_missing', 1820],
        ['summed', undefined, 1800],
        ['view', undefined, 20],
      ])
    })

    test('a reader that waits is woken by the next record, and otherwise after its time', async () => {
      const ledger = create()
      const { end } = await ledger.read({ limit: 1 })
      const began = Date.now()
      await ledger.waitAfter(end, 50)
      expect(Date.now() - began).toBeGreaterThan(40)
      const woken = ledger.waitAfter(end, 20_000)
      await ledger.append([entry(1)])
      await woken
      // There already.
      await ledger.waitAfter(end, 20_000)
      expect(Date.now() - began).toBeLessThan(10_000)
      expect((await ledger.read({ limit: 10, after: end })).entries).toHaveLength(1)
    })

    test.each(['default', 'unnamed'])(
      'the tenant %s has no records, as it is not the name of a tenant',
      async tenant => {
        const ledger = create()
        const { id, json } = entry(1)
        await ledger.append([{ id, json: JSON.stringify({ ...JSON.parse(json), tenant }) }])
        expect((await read(ledger, { limit: 10, tenant })).entries).toEqual([])
      },
    )

    test.each(['x', '-1', '1.x', '1e3', '.', '1.1.1.1.1.1.1.1.1.1'])(
      'a read after %s is rejected, as it is not a cursor',
      async after => {
        await expect(create().read({ limit: 1, after })).rejects.toThrow(CursorInvalid)
      },
    )
  })
}
