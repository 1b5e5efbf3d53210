import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import type { Keeping } from '../../src/archive/keep.ts'
import type { Ledger, LedgerQuery, ReadEntry } from '../../src/ledger/ledger.ts'
import { createPostgresLiveLog } from '../../src/runtime/postgres/archive/live-log.ts'
import { EventReader } from '../../src/runtime/postgres/event-reader.ts'
import { InboxWriter } from '../../src/runtime/postgres/inbox-writer.ts'
import type { PostgresLedger } from '../../src/runtime/postgres/postgres-ledger.ts'
import { takeRound } from '../../src/runtime/postgres/round.ts'
import { keepNothing } from '../support/archived-ledger.ts'
import { DAY, entryAt, START } from '../support/archived-log.ts'
import {
  createDatabase,
  openLedger,
  openSession,
  runStatements,
  usePostgres,
} from '../support/postgres-test.ts'

// The archive of a fleet. What a reader sees of it, the contract of ledgers checks; here is what stays in the database.

usePostgres()

const LIMITS = { days: 90, records: 1_000_000, years: 6 }

/** Opens a ledger, and waits until it is the log. */
async function openLog(url: string, keeping: Keeping, now: () => number): Promise<PostgresLedger> {
  const ledger = openLedger(url, keeping, now)
  await new Promise<void>(resolve => ledger.assign({ begin: resolve, wake() {}, end() {} }))
  return ledger
}

async function readAll(ledger: Ledger, query: Omit<LedgerQuery, 'limit'> = {}) {
  const [entries, archived]: [ReadEntry[], ReadEntry[]] = [[], []]
  let page = await ledger.read({ ...query, limit: 300 })
  for (;;) {
    entries.push(...page.entries)
    if (page.archived) archived.push(...page.entries)
    if (!page.more) return { entries, archived }
    page = await ledger.read({ ...query, limit: 300, after: page.cursor })
  }
}

/** Has the ledger archive and prune until it has nothing to do. */
async function settle({ archiver }: PostgresLedger, clock: { readonly now: number }): Promise<void> {
  let next = (await archiver?.step()) ?? Number.POSITIVE_INFINITY
  while (next <= clock.now) next = (await archiver?.step()) ?? Number.POSITIVE_INFINITY
}

/** Appends records, one a minute. Resolves when each has its index. */
async function append(ledger: Ledger, count: number, from = 0): Promise<void> {
  for (let i = from; i < from + count; i += 500) {
    const some = Array.from({ length: Math.min(500, from + count - i) }, (_, n) => n + i)
    await ledger.append(
      some.map(n => entryAt(START + n * 60_000, { subject: `psn_${n % 7}`, reason: 'not_owner' })),
    )
  }
  await ledger.read({ limit: 1 })
}

/** A log of 4,500 records, of which the first 4,000 are in the archive and nothing is old enough to go. */
async function archivedLog() {
  const url = await createDatabase()
  const clock = { now: START + 7 * DAY }
  const ledger = await openLog(url, { ...keepNothing(), limits: LIMITS }, () => clock.now)
  await append(ledger, 4_500)
  await settle(ledger, clock)
  return { url, clock, ledger }
}

const countIn = async (url: string, table: string) =>
  Number((await runStatements(`SELECT count(*) AS count FROM mediaward.${table}`, url))[0]?.count)

test('records older than LOG_DAYS leave the database with all that leads to them, and are read out of the archive', async () => {
  const { url, clock, ledger } = await archivedLog()
  expect(await countIn(url, 'event')).toBe(4_500)
  expect(await ledger.archiveLag?.()).toBe(0)

  // The first segment has 4,000 records, of 2.8 days.
  clock.now = START + 93 * DAY
  await append(ledger, 100, 4_500)
  await settle(ledger, clock)
  expect(await countIn(url, 'event')).toBe(600)
  expect(await runStatements('SELECT min(index)::int AS first FROM mediaward.event_term', url)).toEqual([
    { first: 4_000 },
  ])
  // Of minutes and hours as well, none that begins before the hour of the first record.
  expect(await runStatements('SELECT min(start) AS start FROM mediaward.event_time', url)).toEqual([
    { start: `${START + 66 * 3_600_000}` },
  ])

  const oldest = await readAll(ledger)
  expect(oldest.entries.map(({ index }) => index)).toEqual(Array.from({ length: 4_600 }, (_, i) => i))
  expect(oldest.archived).toHaveLength(4_000)
  expect((await readAll(ledger, { order: 'newest' })).entries).toEqual(oldest.entries.toReversed())
  const ofOne = await readAll(ledger, { subject: 'psn_3', order: 'newest' })
  expect(ofOne.entries.map(({ index }) => index)).toEqual(
    oldest.entries
      .map(({ index }) => index)
      .filter(index => index % 7 === 3)
      .reverse(),
  )
  // Another machine sees the same.
  const other = await readAll(openLedger(url, { ...keepNothing(), limits: LIMITS }), { from: 4_000 })
  expect(other.entries).toEqual(oldest.entries.slice(4_000))
})

test('minutes are counted as long as their records are live, and hours for ever', async () => {
  const { url, clock, ledger } = await archivedLog()
  clock.now = START + 100 * DAY
  await settle(ledger, clock)
  const [since, until] = [START, START + 4 * DAY].map(time => new Date(time).toISOString())
  const asked = { since: since ?? '', until: until ?? '' }
  const hours = await ledger.count({ ...asked, by: 'hour' })
  expect(hours).toHaveLength(75)
  expect(hours.reduce((sum, { count }) => sum + count, 0)).toBe(4_500)
  // The first 4,000 are gone. Minute 4,000 is the 40th of an hour, whose minutes all stay.
  const minutes = await ledger.count({ ...asked, by: 'minute' })
  expect(minutes.filter(({ by }) => by === 'hour')).toEqual(
    hours.slice(0, 66).map(count => ({ ...count, by: 'hour' })),
  )
  expect(minutes.filter(({ by }) => by === undefined)).toHaveLength(4_500 - 66 * 60)
  expect(await runStatements('SELECT FROM mediaward.event_count WHERE unit = 60000', url)).toHaveLength(
    4_500 - 66 * 60,
  )
})

test('a process that is not the log neither archives nor prunes', async () => {
  const url = await createDatabase()
  const clock = { now: START + 7 * DAY }
  const keeping = { ...keepNothing(), limits: LIMITS }
  const log = await openLog(url, keeping, () => clock.now)
  await append(log, 4_500)
  const other = openLedger(url, keeping, () => clock.now)
  const said = vi.spyOn(console, 'error').mockReturnValue()
  await settle(other, clock)
  expect(await countIn(url, 'archive_segment')).toBe(0)
  await settle(log, clock)
  clock.now = START + 100 * DAY
  await settle(other, clock)
  expect(await countIn(url, 'event')).toBe(4_500)
  // It is no fault that an operator has to know of.
  expect(said).not.toHaveBeenCalled()
  said.mockRestore()
  await settle(log, clock)
  expect(await countIn(url, 'event')).toBe(500)
})

test('two processes that both believe to be the log archive each record once', async () => {
  const url = await createDatabase()
  const clock = { now: START + 7 * DAY }
  const keeping = { ...keepNothing(), limits: LIMITS }
  const log = await openLog(url, keeping, () => clock.now)
  const other = openLedger(url, keeping, () => clock.now)
  for (let i = 0; i < 5; i++) {
    await append(log, 1_000, i * 1_000)
    clock.now += 2 * 3_600_000
    await Promise.all([settle(other, clock), append(log, 10, 10_000 + i * 10), settle(log, clock)])
  }
  clock.now += 2 * 3_600_000
  await settle(log, clock)
  const spans = await runStatements(
    'SELECT first::int, last::int FROM mediaward.archive_segment ORDER BY first',
    url,
  )
  expect(spans[0]?.first).toBe(0)
  for (const [i, { first }] of spans.entries()) if (i > 0) expect(first).toBe(Number(spans[i - 1]?.last) + 1)
  expect(spans.at(-1)?.last).toBe(5_049)
})

test('a machine that does not know the bucket fails to read what was pruned, and skips nothing', async () => {
  const { url, clock, ledger: log } = await archivedLog()
  const without = openLedger(url)
  const { cursor } = await without.read({ limit: 100 })
  const newest = await without.read({ limit: 400, order: 'newest' })
  clock.now = START + 100 * DAY
  await settle(log, clock)
  await expect(without.read({ limit: 100, after: cursor })).rejects.toThrow(/S3_AUDIT_BUCKET/)
  await expect(without.read({ limit: 100 })).rejects.toThrow(/S3_AUDIT_BUCKET/)
  const rest = await without.read({ limit: 400, order: 'newest', after: newest.cursor })
  expect([rest.entries.length, rest.more]).toEqual([100, true])
  await expect(without.read({ limit: 10, order: 'newest', after: rest.cursor })).rejects.toThrow(
    /S3_AUDIT_BUCKET/,
  )
})

test('minutes that are removed while they are counted are counted by hour', async () => {
  const { url, clock, ledger: log } = await archivedLog()
  clock.now = START + 100 * DAY
  const session = openSession(url)
  let isAsked = false
  const overtaken = new EventReader(
    new Proxy(session, {
      get:
        (target, name) =>
        async (statement: string, ...values: never[]) => {
          const rows = await target[name as 'query'](statement, ...values)
          if (!isAsked && statement.includes('minutes_since')) {
            isAsked = true
            await settle(log, clock)
          }
          return rows
        },
    }),
  )
  const [since = '', until = ''] = [START, START + 4 * DAY].map(time => new Date(time).toISOString())
  const counts = await overtaken.count({ by: 'minute', since, until })
  expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(4_500)
  expect(await countIn(url, 'event')).toBe(500)
})

test('a log that prunes and a round of late records never wait for each other', async () => {
  const url = await createDatabase()
  const [reading, ordering, rounds] = [openSession(url), openSession(url), openSession(url)]
  const inbox = new InboxWriter(openSession(url))
  const reader = new EventReader(reading)
  const live = createPostgresLiveLog({ reading, ordering, read: query => reader.read(query) })
  const late = (count: number, minute: (i: number) => number) =>
    Array.from({ length: count }, (_, i) => entryAt(START + minute(i) * 60_000))
  await inbox.write(late(400, i => i))
  await inbox.write(late(100, i => 600 + i))
  await takeRound(rounds)
  // A third transaction holds one row for a moment, so that the two meet.
  const held = runStatements(
    `BEGIN; SELECT FROM mediaward.event_count WHERE unit = 60000 AND start = ${START + 20 * 60_000} FOR UPDATE;
      SELECT pg_sleep(1.5); COMMIT`,
    url,
  )
  await new Promise(resolve => setTimeout(resolve, 300))
  const pruned = (async () => {
    while (await live.prune(430));
  })()
  await new Promise(resolve => setTimeout(resolve, 300))
  // In an order in which the pruning doesn't go.
  await inbox.write(late(350, i => 399 - ((i * 7919) % 400)))
  await Promise.all([pruned, takeRound(rounds), held])
  const [{ deadlocks } = {}] = await runStatements(
    'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    url,
  )
  expect(deadlocks).toBe('0')
})

/** Creates a database in which a role has the rights of docs/fleet.md, or all but those to delete records. Resolves to its URL. */
async function createFor(role: string, mayPrune: boolean): Promise<string> {
  const url = await createDatabase()
  const owner = openLedger(url)
  await owner.read({ limit: 1 })
  owner.close()
  const [, statements = ''] =
    /```sql\n(CREATE ROLE gate[^`]+)```/.exec(readFileSync('docs/fleet.md', 'utf8')) ?? []
  const granted = statements.replace("'…'", "'secret'").replaceAll(/\bgate\b/g, role)
  expect(granted).toContain('GRANT DELETE ON mediaward.event,')
  await runStatements(mayPrune ? granted : granted.replace(/GRANT DELETE ON mediaward\.event,.*/, ''), url)
  return Object.assign(new URL(url), { username: role, password: 'secret' }).href
}

test.each([
  ['with the rights in docs/fleet.md prunes', true, 500],
  ['without the right to delete records archives them, and says why it prunes none', false, 4_500],
] as const)('a log %s', async (_, mayPrune, left) => {
  const url = await createFor(mayPrune ? 'pruning' : 'keeping', mayPrune)
  const said = vi.spyOn(console, 'error').mockReturnValue()
  const clock = { now: START + 7 * DAY }
  const ledger = await openLog(url, { ...keepNothing(), limits: LIMITS }, () => clock.now)
  await append(ledger, 4_500)
  await ledger.states.save('hook', { index: 1, failures: 0 }, [])
  await settle(ledger, clock)
  clock.now = START + 100 * DAY
  await settle(ledger, clock)
  expect(await countIn(url, 'archive_segment')).toBe(2)
  expect(await countIn(url, 'event')).toBe(left)
  expect((await readAll(ledger)).entries).toHaveLength(4_500)
  expect(said.mock.calls.flat()).toEqual(
    mayPrune
      ? []
      : [expect.stringMatching(/in the archive stay in the live log, too: PostgreSQL failed \(42501/)],
  )
  said.mockRestore()
})
