import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest'
import { ArchivedSegments } from '../../../src/archive/archived-segments.ts'
import { Archiver } from '../../../src/archive/archiver.ts'
import type { LiveLog, Manifest } from '../../../src/archive/live-log.ts'
import { StorageFault } from '../../../src/base/storage-fault.ts'
import { createLiveLog } from '../../../src/runtime/sqlite/live-table.ts'
import { ArchivedLog, DAY, entryAt, START } from '../../support/archived-log.ts'

// What one archiver does that fails in the middle, or is overtaken by another one, as in a fleet whose log hands over.

const LIMITS = { days: 90, records: 6_000_000, years: 1 }
const FIRST = 'archive/0000000000000000.ndjson.gz'

let said: MockInstance
beforeEach(() => {
  said = vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  said.mockRestore()
})
const lines = () => said.mock.calls.flat()

async function filled(count: number, limits = LIMITS) {
  const clock = { now: START + 200 * DAY }
  const path = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite')
  const log = new ArchivedLog(path, limits, clock)
  await log.append(Array.from({ length: count }, (_, i) => entryAt(START + i * 1000)))
  return { clock, log }
}

/** Another archiver of a log, with another live log, manifest or store. */
function another(
  { log, clock }: Awaited<ReturnType<typeof filled>>,
  changed: { live?: Partial<LiveLog>; manifest?: Partial<Manifest>; store?: Partial<ArchivedLog['store']> },
): Archiver {
  const { manifest } = log
  return new Archiver({
    log: { ...createLiveLog(log.events, log.file), ...changed.live },
    manifest: {
      first: () => manifest.first(),
      last: () => manifest.last(),
      find: query => manifest.find(query),
      add: segment => manifest.add(segment),
      remove: first => manifest.remove(first),
      ...changed.manifest,
    },
    segments: new ArchivedSegments({ ...log.store, ...changed.store }),
    limits: LIMITS,
    now: () => clock.now,
  })
}

test('a step that is asked for while one is under way is the same', async () => {
  const { log } = await filled(100)
  const create = vi.spyOn(log.store, 'create')
  await Promise.all([log.archiver.step(), log.archiver.step(), log.archiver.step()])
  expect(create).toHaveBeenCalledTimes(2)
  expect(await log.behind()).toBe(0)
})

test('a segment of which another process wrote more, of a log that has grown, is no other log', async () => {
  const made = await filled(150)
  const { log, clock } = made
  const live = createLiveLog(log.events, log.file)
  // It has read a hundred of them when the other one writes all.
  const overtaken = another(made, {
    live: {
      read: query =>
        live.read(
          query.from !== undefined && query.from >= 100 ? { ...query, from: 150 } : { ...query, limit: 100 },
        ),
    },
    store: {
      async create(name, bytes) {
        await log.settle(clock)
        return log.store.create(name, bytes)
      },
    },
  })
  await overtaken.step()
  expect(lines()).toEqual([])
  expect(await log.manifest.last()).toMatchObject({ first: 0, last: 149 })
})

test('a process that hangs before it writes a missing segment again destroys none that another one wrote and pruned', async () => {
  const made = await filled(500)
  const { log, clock } = made
  await log.settle(clock)
  await log.store.remove(FIRST)
  clock.now += 2 * DAY
  const [reached, woken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const hung = another(made, {
    store: {
      async remove(name) {
        reached.resolve()
        await woken.promise
        return log.store.remove(name)
      },
    },
  }).step()
  await reached.promise
  for (let i = 0; i < 3; i++) {
    await log.settle(clock)
    clock.now += 2 * DAY
  }
  expect(log.events.first).toBeGreaterThan(300)
  woken.resolve()
  await hung
  log.file.close()
  const later = new ArchivedLog(log.path, LIMITS, clock, log.store)
  expect(await later.all({})).toHaveLength(500)
})

test('an archiver whose log has nothing for it, whatever its end is, stores nothing, and waits', async () => {
  const made = await filled(100)
  const empty = { entries: [], cursor: 0, end: 100, more: false }
  expect(await another(made, { live: { read: async () => empty } }).step()).toBeGreaterThan(made.clock.now)
  expect(made.log.names).toEqual([])
  expect(lines()).toEqual([expect.stringMatching(/record 0 is neither in the archive nor in the live log$/)])
})

test('a segment whose entry could not be removed is removed soon, and not missed for a day', async () => {
  const made = await filled(500)
  const { log, clock } = made
  await log.settle(clock)
  clock.now += 2 * DAY
  await log.settle(clock)
  const { first } = log.events
  clock.now += 400 * DAY
  let isLost = true
  const archiver = another(made, {
    live: { bounds: async () => ({ first: 500, end: 500 }) },
    manifest: {
      async remove(from) {
        if (isLost) throw new StorageFault('the connection was lost')
        await log.manifest.remove(from)
      },
    },
  })
  expect(first).toBeGreaterThan(300)
  await archiver.step()
  expect(await log.manifest.first()).toBeDefined()
  isLost = false
  clock.now += 61_000
  await archiver.step()
  expect(await log.manifest.first()).toBeUndefined()
  expect(lines()).toContainEqual(expect.stringMatching(/has removed the records 0 to 499/))
})

test('why the archive is not written is said at once, also if the log can not be asked how far it is', async () => {
  const made = await filled(10)
  let isAway = false
  const live = createLiveLog(made.log.events, made.log.file)
  const archiver = another(made, {
    live: { bounds: async () => (isAway ? Promise.reject(new StorageFault('gone')) : live.bounds()) },
    store: {
      async create() {
        isAway = true
        throw new StorageFault('S3 refused it (403)')
      },
    },
  })
  await archiver.step()
  expect(lines()).toEqual([
    'mediaward: the archive is not written, so nothing is pruned: S3 refused it (403)',
  ])
})

test('a segment that was changed keeps its records live, is said once an hour, and stops no archiving', async () => {
  const { log, clock } = await filled(4_000)
  await log.settle(clock)
  const bytes = (await log.store.read(FIRST)) ?? new Uint8Array()
  await log.store.remove(FIRST)
  await log.store.create(
    FIRST,
    bytes.map((byte, i) => (i === 100 ? byte ^ 1 : byte)),
  )
  clock.now += 2 * DAY
  for (let minute = 0; minute < 100; minute++) {
    await log.append([entryAt(clock.now)])
    clock.now += 61_000
    await log.settle(clock)
  }
  expect(lines()).toEqual(
    Array.from({ length: 2 }, () =>
      expect.stringMatching(
        /^mediaward: records that are in the archive stay in the live log, too: .*its SHA-256 differs$/,
      ),
    ),
  )
  expect(log.events.first).toBe(1)
  expect(await log.behind()).toBeLessThan(60)
})
