import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { eventId } from '../../src/ledger/event-id.ts'
import type { LedgerEntry } from '../../src/ledger/ledger.ts'
import { withSpool } from '../../src/ledger/spool.ts'
import { createCloudflareLedger, createR2Spool } from '../../src/runtime/cloudflare/index.ts'

// What an inbox does while it is full, and while the object of the log stores nothing.

const say = vi.fn<(line: string) => void>()
beforeEach(async () => {
  await reset()
  // An instance may outlive its storage, and would still be paused.
  for (const object of [log(), inbox(0), inbox(1)]) await evict(object)
  say.mockReset()
  vi.spyOn(console, 'error').mockImplementation(say)
})
afterEach(() => void vi.restoreAllMocks())

const log = () => env.LOG.get(env.LOG.idFromName('log'))
const inbox = (index: number) => env.LEDGER.get(env.LEDGER.idFromName(`ledger-${index}`))
const evict = (object: DurableObjectStub) =>
  runInDurableObject(object, (_, state) => state.abort('restart')).catch(() => {})
const ledgerOf = (count: number) => createCloudflareLedger({ inboxes: env.LEDGER, logs: env.LOG, count })
const logId = () => `${env.LOG.idFromName('log')}`

const FULL = 8 * 2 ** 30
/** How long an inbox doesn't call the log after it has failed. */
const PAUSE = 2_000
let made = 0
/** Makes entries with rising ids, of so many characters each. */
function entries(count: number, size = 0): LedgerEntry[] {
  return Array.from({ length: count }, () => {
    // The clock stands still for a while on Workers.
    const id = eventId(Date.now() + ++made)
    return { id, json: JSON.stringify({ id, kind: 'access', subject: 'x'.repeat(size) }) }
  })
}
const idsOf = (of: readonly LedgerEntry[]) => of.map(({ id }) => id)

/** Has SQLite refuse what the log stores in a table. */
const breakLog = (table: 'event' | 'event_term') =>
  runInDurableObject(log(), (_, { storage: { sql } }) => {
    sql.exec(`CREATE TRIGGER broken BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'broken'); END`)
  })
const repairLog = () =>
  runInDurableObject(log(), (_, { storage: { sql } }) => void sql.exec('DROP TRIGGER broken'))
/** Returns the ids of the log in its order. Reading through the ledger would have the log pull. */
const stored = () =>
  runInDurableObject(log(), (_, { storage: { sql } }) =>
    sql
      .exec<{ id: string }>('SELECT id FROM event ORDER BY place')
      .toArray()
      .map(({ id }) => id),
  )
/** Returns the ids of what waits in an inbox, in the order in which it came. */
const waiting = (index: number) =>
  runInDurableObject(inbox(index), (_, { storage: { sql } }) =>
    sql
      .exec<{ entries: string }>('SELECT entries FROM waiting ORDER BY number')
      .toArray()
      .flatMap(row => idsOf(JSON.parse(row.entries) as LedgerEntry[])),
  )

/** Has the database of an inbox be larger by so much than it is. */
const inflate = (index: number, bytes: number) =>
  runInDurableObject(inbox(index), (_, { storage: { sql } }) => {
    const size = Reflect.getOwnPropertyDescriptor(Object.getPrototypeOf(sql), 'databaseSize')?.get
    vi.spyOn(sql, 'databaseSize', 'get').mockImplementation(() => size?.call(sql) + bytes)
  })

test('an inbox that is full takes nothing and keeps what it has, and takes entries again when the log has pulled', async () => {
  const spool = createR2Spool(env.AUDIT)
  const ledger = withSpool(ledgerOf(1), spool)
  const [first = { id: '', json: '' }, ...all] = entries(12, 100_000)
  await breakLog('event')
  // Half a megabyte is left of its room.
  await inflate(0, FULL - 500_000)
  for (const entry of [first, ...all]) await ledger.append([entry])

  const [kept, spooled] = [await waiting(0), await spool.waiting(100)]
  expect(kept.length).toBeGreaterThan(2)
  expect(spooled.length).toBeGreaterThan(2)
  expect([...kept, ...idsOf(spooled)]).toEqual(idsOf([first, ...all]))
  expect(say).toHaveBeenCalledWith(
    'mediaward: the ledger took no record, the spool keeps it: the Durable Object "ledger-0" failed (inbox is full)',
  )
  const fault: unknown = await inbox(0)
    .append([first], logId())
    .catch((error: unknown) => error)
  expect(fault).toMatchObject({ name: 'StorageFault', message: 'the inbox is full' })
  await expect(ledger.replay()).rejects.toThrow('"ledger-0" failed')
  expect(await waiting(0)).toEqual(kept)
  expect(await spool.waiting(100)).toEqual(spooled)

  await repairLog()
  await vi.waitFor(async () => expect(await waiting(0)).toEqual([]), { timeout: 10_000 })
  expect(await stored()).toEqual(kept)
  expect(await ledger.replay()).toBe(spooled.length)
  const { entries: read } = await ledger.read({ limit: 100 })
  expect(idsOf(read)).toEqual(idsOf([first, ...all]))
  expect(await spool.waiting(100)).toEqual([])
})

test('what an inbox that is full does not take comes to the log by another one', async () => {
  const spool = createR2Spool(env.AUDIT)
  const ledger = withSpool(ledgerOf(2), spool)
  await inflate(0, FULL)
  const all = entries(20)
  for (const entry of all) await ledger.append([entry])
  const spooled = await spool.waiting(100)
  expect(spooled.length).toBeGreaterThan(0)
  expect(spooled.length).toBeLessThan(all.length)
  // Each call goes to one of the two at random.
  await vi.waitFor(() => ledger.replay(), { timeout: 10_000 })
  expect(await spool.waiting(100)).toEqual([])
  expect(await waiting(0)).toEqual([])
  const { entries: read } = await ledger.read({ limit: 100 })
  expect(idsOf(read).sort()).toEqual(idsOf(all))
})

test('while the log stores nothing, its inboxes pause, say so and call again, until it has each record once and in order', async () => {
  const all = entries(200)
  // Alternately, so that the order is not that of either inbox.
  const append = async (some: readonly LedgerEntry[]) => {
    for (const index of [0, 1]) {
      await inbox(index).append(
        some.filter((_, i) => i % 2 === index),
        logId(),
      )
    }
  }
  const failures: { readonly line: string; readonly at: number }[] = []
  say.mockImplementation(line => void failures.push({ line, at: Date.now() }))
  // It fails when a block of 64 is entered: the records themselves are stored by then.
  await breakLog('event_term')
  await append(all.slice(0, 150))
  await vi.waitFor(() => expect(failures).toHaveLength(2))
  for (const index of [0, 1]) {
    const alarm = await runInDurableObject(inbox(index), (_, { storage }) => storage.getAlarm())
    expect(alarm).not.toBe(null)
    expect(alarm).toBeLessThanOrEqual(Date.now() + PAUSE)
  }
  // What comes during the pause is kept, and the log isn't called for it.
  await append(all.slice(150))
  await vi.waitFor(() => expect(failures).toHaveLength(4), { timeout: 10_000 })
  expect((failures[2]?.at ?? 0) - (failures[0]?.at ?? 0)).toBeGreaterThanOrEqual(PAUSE)
  expect([...new Set(failures.map(({ line }) => line))]).toEqual([
    'mediaward: the log took no records, an inbox keeps them: the Durable Object of the log failed',
  ])
  expect(await stored()).toEqual([])
  expect([...(await waiting(0)), ...(await waiting(1))].sort()).toEqual(idsOf(all))

  await repairLog()
  // The alarm of an inbox that pauses comes in 2 s, any other one in 10 s.
  await vi.waitFor(async () => expect(await stored()).toHaveLength(200), { timeout: 6_000 })
  expect(await stored()).toEqual(idsOf(all))
  await vi.waitFor(async () => expect([await waiting(0), await waiting(1)]).toEqual([[], []]), 5_000)
  const { entries: read } = await ledgerOf(2).read({ limit: 1_000 })
  expect(idsOf(read)).toEqual(idsOf(all))
})
