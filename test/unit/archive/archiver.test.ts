import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { ArchiveReader } from '../../../src/archive/archive-reader.ts'
import { createMemoryArchive } from '../../../src/archive/archive-store.ts'
import { ArchivedSegments } from '../../../src/archive/archived-segments.ts'
import { KeptLog } from '../../../src/archive/kept-log.ts'
import { StorageFault } from '../../../src/base/storage-fault.ts'
import { createLiveLog } from '../../../src/runtime/sqlite/live-table.ts'
import { ArchivedLog, DAY, entryAt, START } from '../../support/archived-log.ts'

const path = () => join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite')
const LIMITS = { days: 90, records: 6_000_000, years: 6 }

function entries(count: number, from = 0) {
  return Array.from({ length: count }, (_, i) =>
    entryAt(START + (from + i) * 1000, {
      subject: `psn_${(from + i) % 50}`,
      reason: i % 2 ? 'not_owner' : 'token_missing',
    }),
  )
}

test('records are archived at once if nothing was yet, and then once an hour or when there are 4,000', async () => {
  const clock = { now: START + DAY }
  const log = new ArchivedLog(path(), LIMITS, clock)
  await log.append(entries(100))
  expect(await log.settle(clock)).toBe(clock.now + 3_600_000)
  expect(await log.manifest.last()).toMatchObject({ first: 0, last: 99 })
  await log.append(entries(3_999, 100))
  clock.now += 1000
  expect(await log.settle(clock)).toBe(START + DAY + 3_600_000)
  expect(await log.behind()).toBe(3_999)
  clock.now += 9_000
  expect(await log.archiver.lag()).toBe(10_000)
  clock.now -= 9_000
  await log.append(entries(2, 5_000))
  await log.settle(clock)
  expect(await log.manifest.last()).toMatchObject({ first: 100, last: 4_099 })
  clock.now += 3_600_000
  await log.settle(clock)
  expect(await log.manifest.last()).toMatchObject({ first: 4_100, last: 4_100 })
  expect(await log.archiver.lag()).toBe(0)
  expect(await log.behind()).toBe(0)
})

test('what is beyond the days or the records is pruned, and read from the archive over the border in both directions', async () => {
  for (const limits of [
    { ...LIMITS, days: 1 },
    { ...LIMITS, records: 3_000 },
  ]) {
    const clock = { now: START + 9_000_000 }
    const log = new ArchivedLog(path(), limits, clock)
    const all = entries(9_000)
    await log.append(all)
    await log.settle(clock)
    clock.now += limits.days === 1 ? 1.0465 * DAY : 3_601_000
    await log.settle(clock)
    expect(log.events.first).toBeGreaterThan(1_000)
    expect(log.events.size).toBe(9_000)
    expect((await log.all({})).map(({ json }) => json)).toEqual(all.map(({ json }) => json))
    expect((await log.all({})).map(({ index }) => index)).toEqual(all.map((_, i) => i))
    expect((await log.all({ order: 'newest' })).map(({ id }) => id)).toEqual(
      all.map(({ id }) => id).reverse(),
    )
    const wanted = all.filter((_, i) => i % 50 === 7 && i % 2)
    const query = { subject: 'psn_7', reason: 'not_owner' }
    expect((await log.all(query)).map(({ id }) => id)).toEqual(wanted.map(({ id }) => id))
    expect((await log.all({ ...query, order: 'newest' })).map(({ id }) => id)).toEqual(
      wanted.map(({ id }) => id).reverse(),
    )
    const since = new Date(START + 100_000).toISOString()
    const until = new Date(START + 200_000).toISOString()
    const span = await log.all({ since, until }, 30)
    expect(span.map(({ id }) => id)).toEqual(all.slice(100, 200).map(({ id }) => id))
    expect(await log.all({ since, until, order: 'newest' }, 30)).toEqual(span.toReversed())
    // Says so.
    expect((await log.read({ limit: 10 })).archived).toBe(true)
    expect((await log.read({ limit: 10, from: log.events.first - 1 })).archived).toBeUndefined()
  }
})

test('of what is pruned, hours stay counted, and minutes are answered by their hours, which say so', async () => {
  const clock = { now: START + 9_000_000 }
  const log = new ArchivedLog(path(), { ...LIMITS, records: 1_000 }, clock)
  // A tenth of them of a tenant: three hours, a record a second.
  const all = Array.from({ length: 10_800 }, (_, i) =>
    entryAt(START + i * 1000, i % 10 === 0 ? { tenant: 'north' } : {}),
  )
  await log.append(all)
  const ask = { since: new Date(START).toISOString(), until: new Date(START + DAY).toISOString() }
  const before = [{}, { tenant: 'north' }].map(more => log.events.count({ ...ask, ...more, by: 'hour' }))
  const total = log.events.count({ ...ask, by: 'total' })
  const minutes = log.events.count({ ...ask, by: 'minute' })
  expect(minutes).toHaveLength(180)
  await log.settle(clock)
  // An inbox may hand it over once more.
  expect(log.events.first).toBe(1)
  clock.now += 3_599_000
  await log.settle(clock)
  expect(log.events.first).toBe(1)
  clock.now += 61_000
  await log.settle(clock)
  expect(log.events.first).toBe(8_001)
  expect([{}, { tenant: 'north' }].map(more => log.events.count({ ...ask, ...more, by: 'hour' }))).toEqual(
    before,
  )
  expect(log.events.count({ ...ask, by: 'total' })).toEqual(total)
  const after = log.events.count({ ...ask, by: 'minute' })
  expect(after.slice(0, 2)).toEqual(
    [0, 1].map(hour => ({
      ...{
        start: new Date(START + hour * 3_600_000).toISOString(),
        kind: 'access',
        count: 3_600,
        by: 'hour',
      },
    })),
  )
  expect(after.slice(2)).toEqual(minutes.slice(120))
  expect(log.events.count({ ...ask, tenant: 'north', by: 'minute' })).toHaveLength(2 + 60)
  // Within what is no longer counted by minute, and across the border.
  const until = new Date(START + 1_800_000).toISOString()
  expect(log.events.count({ ...ask, until, by: 'minute' })).toEqual(after.slice(0, 1))
  const rows = (table: string) => log.file.sql<{ n: number }>(`SELECT count(*) AS n FROM ${table}`)[0]?.n ?? 0
  expect(rows('event')).toBe(2_800)
  expect(rows('event_time')).toBeLessThan(64)
  // Kind, reason and tenants of each block that is there and entered.
  expect(rows('event_term')).toBeLessThan(2_800 * 1.2)
})

test('segments that are older than the years leave the archive, and a reader begins with what is left', async () => {
  const clock = { now: START + DAY }
  const log = new ArchivedLog(path(), { days: 10, records: 1_000, years: 1 }, clock)
  const first = entries(5_000)
  await log.append(first)
  await log.settle(clock)
  clock.now += 300 * DAY
  const second = Array.from({ length: 5_000 }, (_, i) => entryAt(clock.now + i))
  await log.append(second)
  await log.settle(clock)
  expect(await log.all({}, 1_000)).toHaveLength(10_000)
  const say = vi.spyOn(console, 'error').mockImplementation(() => {})
  // A bucket may lock its objects for longer than the gate wants to keep them.
  const remove = vi.spyOn(log.store, 'remove').mockRejectedValue(new StorageFault('R2 failed (10069)'))
  clock.now += 66 * DAY
  await log.settle(clock)
  await log.append(entries(10, 20_000))
  clock.now += 3_601_000
  await log.settle(clock)
  expect(await log.behind()).toBe(0)
  expect(say.mock.calls).toEqual([
    ['mediaward: the archive keeps segments that are older than ARCHIVE_YEARS: R2 failed (10069)'],
  ])
  remove.mockRestore()
  clock.now += DAY
  await log.settle(clock)
  expect(say).toHaveBeenCalledWith(
    'mediaward: the archive has removed the records 0 to 3999, which are older than ARCHIVE_YEARS (1)',
  )
  say.mockRestore()
  expect(log.names[0]).toMatch(/archive\/0000000000004000/)
  const left = await log.all({}, 1_000)
  expect(left[0]?.index).toBe(4_000)
  expect(left).toHaveLength(6_010)
  expect(await log.all({ order: 'newest' }, 1_000)).toEqual(left.toReversed())
})

test.each(['oldest', 'newest'] as const)(
  'a read of the %s first misses nothing that is pruned in the middle of it',
  async order => {
    const clock = { now: START + DAY }
    const log = new ArchivedLog(path(), { ...LIMITS, records: 1_000 }, clock)
    await log.append(entries(6_000))
    await log.settle(clock)
    const segments = new ArchivedSegments(log.store)
    let pruned = 0
    const live = createLiveLog(log.events, log.file, async query => {
      const steps = log.events.readInSteps(query)
      let step = steps.next()
      for (; !step.done; step = steps.next()) {
        // Of the oldest first, faster than the reader goes.
        const some = order === 'oldest' ? 256 : 64
        pruned += some
        await log.file.write(() => log.events.prune(Math.min(pruned, 4_000), some))
      }
      return step.value
    })
    const kept = new KeptLog(live, new ArchiveReader(log.manifest, segments))
    const all: number[] = []
    let page = await kept.read({ limit: 1_000, order })
    for (;;) {
      all.push(...page.entries.map(({ index }) => index))
      if (!page.more) break
      page = await kept.read({ limit: 1_000, order, after: page.cursor })
    }
    const wanted = Array.from({ length: 6_000 }, (_, i) => i)
    expect(all).toEqual(order === 'newest' ? wanted.toReversed() : wanted)
    expect(log.events.first).toBeGreaterThan(1_000)
  },
)

test('a query that no segment can answer opens none', async () => {
  const clock = { now: START + DAY }
  const store = createMemoryArchive()
  const read = vi.spyOn(store, 'read')
  const log = new ArchivedLog(path(), { ...LIMITS, records: 1_000 }, clock, store)
  await log.append(entries(12_000))
  await log.settle(clock)
  read.mockClear()
  expect(await log.all({ subject: 'psn_nobody' })).toEqual([])
  expect(await log.all({ subject: 'psn_nobody', order: 'newest' })).toEqual([])
  expect(read).not.toHaveBeenCalled()
})

test('an archive that fails stops pruning, never the log, and the operator reads it once an hour', async () => {
  const clock = { now: START + 200 * DAY }
  const store = createMemoryArchive()
  const create = vi.spyOn(store, 'create').mockRejectedValue(new Error('secret'))
  const say = vi.spyOn(console, 'error').mockImplementation(() => {})
  const log = new ArchivedLog(path(), { ...LIMITS, records: 10 }, clock, store)
  await log.append(entries(500))
  for (let i = 0; i < 100; i++) {
    clock.now += 61_000
    await log.append(entries(1, 500 + i))
    await log.settle(clock)
  }
  expect(log.events.first).toBe(1)
  expect(await log.behind()).toBe(600)
  expect(say.mock.calls.map(([line]) => line)).toEqual([
    expect.stringMatching(
      /^mediaward: the archive is not written, so nothing is pruned: 501 records are in the live log alone: its error is not/,
    ),
    expect.stringMatching(/561 records/),
  ])
  create.mockRestore()
  clock.now += 61_000
  await log.settle(clock)
  expect(say).toHaveBeenLastCalledWith('mediaward: the archive takes records again')
  say.mockRestore()
  clock.now += DAY + 61_000
  await log.settle(clock)
  expect(log.events.first).toBeGreaterThan(300)
  expect(await log.all({})).toHaveLength(600)
})

const FIRST = 'archive/0000000000000000.ndjson.gz'

/** A log of 500 old records, all of them archived, and a day later. */
async function aged() {
  const clock = { now: START + 200 * DAY }
  const log = new ArchivedLog(path(), LIMITS, clock)
  await log.append(entries(500))
  await log.settle(clock)
  clock.now += DAY + 61_000
  return { clock, log, say: vi.spyOn(console, 'error').mockImplementation(() => {}) }
}

test('a segment that is missing is written again before its records are pruned', async () => {
  const { clock, log, say } = await aged()
  const bytes = await log.store.read(FIRST)
  await log.store.remove(FIRST)
  await log.settle(clock)
  expect(say).toHaveBeenCalledWith(`mediaward: ${FIRST} was missing in the archive, and is written again`)
  say.mockRestore()
  expect(await log.store.read(FIRST)).toEqual(bytes)
  expect(log.events.first).toBe(1)
  clock.now += DAY + 61_000
  await log.settle(clock)
  expect(log.events.first).toBeGreaterThan(300)
  expect(await log.all({})).toHaveLength(500)
})

test.each(['was changed', 'is missing when some of it is pruned'])(
  'nothing is pruned if a segment %s, and no reader is given anything else',
  async damage => {
    const { clock, log, say } = await aged()
    const bytes = (await log.store.read(FIRST)) ?? new Uint8Array()
    if (damage !== 'was changed') await log.archiver.step()
    const { first } = log.events
    await log.store.remove(FIRST)
    if (damage === 'was changed')
      await log.store.create(
        FIRST,
        bytes.map((byte, i) => (i === 100 ? byte ^ 1 : byte)),
      )
    log.file.close()
    const again = new ArchivedLog(log.path, LIMITS, clock, log.store)
    await again.settle(clock)
    expect(again.events.first).toBe(first)
    const why = damage === 'was changed' ? 'is not what was written: its SHA-256 differs' : 'is missing'
    expect(say).toHaveBeenCalledWith(expect.stringContaining(why))
    say.mockRestore()
    if (first > 1) await expect(again.read({ limit: 10 })).rejects.toThrow(/is missing in the archive/)
    else expect((await again.read({ limit: 10 })).archived).toBeUndefined()
  },
)

test('a log that was set back does not overwrite what it archived before, and says so', async () => {
  const clock = { now: START + DAY }
  const before = new ArchivedLog(path(), LIMITS, clock)
  await before.append(entries(50))
  await before.settle(clock)
  const bytes = await before.store.read(FIRST)
  const after = new ArchivedLog(path(), LIMITS, clock, before.store)
  const say = vi.spyOn(console, 'error').mockImplementation(() => {})
  await after.append(entries(60))
  await after.settle(clock)
  expect(say).toHaveBeenCalledWith(
    expect.stringMatching(/other records than the log: see "A log that was set back"/),
  )
  say.mockRestore()
  expect(await before.store.read(FIRST)).toEqual(bytes)
  expect(await after.behind()).toBe(60)
})
