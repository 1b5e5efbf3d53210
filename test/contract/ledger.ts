import { describe, expect, test } from 'vitest'
import type { EventKind } from '../../src/ledger/event.ts'
import { eventId } from '../../src/ledger/event-id.ts'
import { CursorInvalid, type Ledger, type LedgerEntry } from '../../src/ledger/ledger.ts'

// What every adapter of the port Ledger must do; each adapter's test file runs this.

const START = Date.UTC(2026, 10, 23)

function entry(second: number, kind: EventKind = 'access'): LedgerEntry {
  const at = START + second * 1000
  const id = eventId(at)
  return { id, json: `{"id":"${id}","kind":"${kind}","t":"${new Date(at).toISOString()}"}` }
}

async function readAll(ledger: Ledger, limit: number): Promise<LedgerEntry[]> {
  const all: LedgerEntry[] = []
  let page = await ledger.read({ limit })
  for (;;) {
    expect(page.entries.length).toBeLessThanOrEqual(limit)
    all.push(...page.entries)
    if (!page.more) return all
    page = await ledger.read({ limit, after: page.cursor })
  }
}

export function ledgerContract(name: string, create: () => Ledger): void {
  describe(`${name} is a ledger`, () => {
    test('what was recorded is read, oldest first', async () => {
      const ledger = create()
      const entries = Array.from({ length: 20 }, (_, i) => entry(i))
      for (const one of entries) await ledger.record(one)
      expect((await ledger.read({ limit: 100 })).entries).toEqual(entries)
    })

    test('an empty one has an empty page and a cursor to go on from', async () => {
      const ledger = create()
      const { entries, cursor, more } = await ledger.read({ limit: 10 })
      expect({ entries, more }).toEqual({ entries: [], more: false })
      const late = entry(1)
      await ledger.record(late)
      expect((await ledger.read({ limit: 10, after: cursor })).entries).toEqual([late])
    })

    test('an entry recorded twice is one entry, with what came first', async () => {
      const ledger = create()
      const one = entry(1)
      await Promise.all([ledger.record(one), ledger.record(one), ledger.record(one)])
      await ledger.record({ ...one, json: '{"t":"changed"}' })
      expect((await ledger.read({ limit: 10 })).entries).toEqual([one])
    })

    test('page after page has each entry exactly once, whatever is recorded in between', async () => {
      const ledger = create()
      const entries = Array.from({ length: 97 }, (_, i) => entry(i))
      await Promise.all(entries.slice(0, 60).map(one => ledger.record(one)))
      const seen: LedgerEntry[] = []
      let page = await ledger.read({ limit: 7 })
      const rest = entries.slice(60)
      while (true) {
        seen.push(...page.entries)
        // Some of them with ids older than those read already, as from a clock that is behind.
        const next = rest.pop()
        if (next !== undefined) await ledger.record(next)
        else if (!page.more) break
        page = await ledger.read({ limit: 7, after: page.cursor })
      }
      expect(seen.map(({ id }) => id).sort()).toEqual(entries.map(({ id }) => id).sort())
    })

    test('many at once are all there', async () => {
      const ledger = create()
      const entries = Array.from({ length: 300 }, (_, i) => entry(i))
      await Promise.all(entries.map(one => ledger.record(one)))
      expect(await readAll(ledger, 50)).toHaveLength(300)
    })

    test('reads from a moment on, and the newest', async () => {
      const ledger = create()
      const entries = Array.from({ length: 30 }, (_, i) => entry(i))
      for (const one of entries) await ledger.record(one)
      const since = new Date(START + 25_000).toISOString()
      expect((await ledger.read({ limit: 100, since })).entries).toEqual(entries.slice(25))
      const newest = await ledger.read({ limit: 3, latest: true })
      expect(newest.entries).toEqual(entries.slice(27))
      expect((await ledger.read({ limit: 10, after: newest.cursor })).entries).toEqual([])
    })

    test('reads from a moment on by when a record was handed over, not by when its request came', async () => {
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
      for (const one of entries) await ledger.record(one)
      const page = await ledger.read({ limit: 9, since: '2026-11-23T00:00:20.000Z' })
      expect(page.entries.map(({ id }) => id)).toEqual(['c', 'e'])
    })

    test('a record that comes back late is found by its place, whatever its time', async () => {
      const ledger = create()
      for (let i = 20; i < 40; i++) await ledger.record(entry(i))
      const since = new Date(START + 35_000).toISOString()
      let page = await ledger.read({ limit: 3, since })
      while (page.more) page = await ledger.read({ limit: 3, since, after: page.cursor })
      const late = entry(1)
      await ledger.record(late)
      expect((await ledger.read({ limit: 9, after: page.cursor })).entries).toEqual([late])
    })

    test.each<[string, object]>([
      ['a kind', { kind: 'ticket' }],
      ['a moment', { since: '2100-01-01T00:00:00.000Z' }],
      ['the newest', { latest: true }],
      ['the newest of a kind', { latest: true, kind: 'listed' }],
      ['more than there are', { limit: 1000 }],
    ])('once there is no more of %s the cursor is at the end of the log', async (_, query) => {
      const ledger = create()
      for (let i = 0; i < 40; i++) await ledger.record(entry(i, i === 20 ? 'listed' : 'access'))
      const { cursor, more } = await ledger.read({ limit: 5, ...query })
      expect(more).toBe(false)
      const next = await ledger.read({ limit: 1000, after: cursor })
      expect(next).toEqual({ entries: [], cursor, more: false })
      const another = entry(50)
      await ledger.record(another)
      expect((await ledger.read({ limit: 1000, after: cursor })).entries).toEqual([another])
    })

    test('reads one kind, and reading on has each entry of it once, whatever is in between', async () => {
      const ledger = create()
      const entries = Array.from({ length: 60 }, (_, i) => entry(i, i % 3 === 0 ? 'listed' : 'access'))
      for (const one of entries.slice(0, 50)) await ledger.record(one)
      const listed = entries.filter((_, i) => i % 3 === 0)
      const seen: LedgerEntry[] = []
      let page = await ledger.read({ limit: 4, kind: 'listed' })
      while (page.more) {
        seen.push(...page.entries)
        page = await ledger.read({ limit: 4, kind: 'listed', after: page.cursor })
      }
      for (const one of entries.slice(50)) await ledger.record(one)
      const late = await ledger.read({ limit: 100, kind: 'listed', after: page.cursor })
      expect([...seen, ...page.entries, ...late.entries]).toEqual(listed)
      const newest = await ledger.read({ limit: 2, latest: true, kind: 'listed' })
      expect(newest.entries).toEqual(listed.slice(-2))
      expect((await ledger.read({ limit: 9, kind: 'ticket' })).entries).toEqual([])
      const both = { limit: 100, kind: 'listed', since: new Date(START + 50_000).toISOString() } as const
      expect((await ledger.read(both)).entries).toEqual(listed.slice(17))
    })

    test('reads one tenant, of its callers, recordings and lists, and reading on has each entry of it once', async () => {
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
      for (const one of entries.slice(0, 45)) await ledger.record(one)
      const north = entries.filter((_, i) => [0, 2, 3, 5].includes(i % members.length))
      const seen: LedgerEntry[] = []
      let page = await ledger.read({ limit: 4, tenant: 'north' })
      while (page.more) {
        expect(page.entries.length).toBeLessThanOrEqual(4)
        seen.push(...page.entries)
        page = await ledger.read({ limit: 4, tenant: 'north', after: page.cursor })
      }
      for (const one of entries.slice(45)) await ledger.record(one)
      const late = await ledger.read({ limit: 100, tenant: 'north', after: page.cursor })
      expect([...seen, ...page.entries, ...late.entries]).toEqual(north)
      expect((await ledger.read({ limit: 3, latest: true, tenant: 'north' })).entries).toEqual(
        north.slice(-3),
      )
      const views = await ledger.read({ limit: 100, tenant: 'north', kind: 'view' })
      expect(views.entries).toEqual(entries.filter((_, i) => i % members.length === 3))
      expect((await ledger.read({ limit: 9, tenant: "north' OR 1=1 --" })).entries).toEqual([])
      expect((await ledger.read({ limit: 9, tenant: 'west' })).entries).toEqual([])
    })

    test.each(['x', '-1', '1.x', '1e3', '.', '1.1.1.1.1.1.1.1.1.1'])('%s is no cursor', async after => {
      await expect(create().read({ limit: 1, after })).rejects.toThrow(CursorInvalid)
    })
  })
}
