import { reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeEach, expect, test, vi } from 'vitest'
import type { LedgerPage, LedgerQuery } from '../../src/ledger/ledger.ts'
import { createCloudflareLedger } from '../../src/runtime/cloudflare/index.ts'

// The object of the log archives its records in R2, prunes them, and reads them from there.

beforeEach(async () => {
  await reset()
  // An instance may outlive its storage.
  await evict()
})

const DAY = 86_400_000
const ledger = () => createCloudflareLedger({ inboxes: env.LEDGER, logs: env.LOG, count: 2 })
const log = () => env.LOG.get(env.LOG.idFromName('log'))
const live = () =>
  runInDurableObject(log(), (_, { storage }) => storage.sql.exec('SELECT count(*) AS n FROM event').one().n)
const evict = () => runInDurableObject(log(), (_, state) => state.abort('restart')).catch(() => {})

const objects = async () => (await env.AUDIT.list({ prefix: 'archive/' })).objects.map(({ key }) => key)

/** Has it be days since the segments were written: what was just archived stays live for a day. */
async function age(): Promise<void> {
  // By then the inboxes know that the log has what they handed over.
  for (let i = 0; i < 3; i++) await ledger().read({ limit: 1 })
  await runInDurableObject(log(), (_, { storage }) => {
    storage.sql.exec('UPDATE archive_segment SET written = written - 200000000')
  })
}

/** Entries that were recorded so many days ago, by rising id. */
function entries(count: number, days: number) {
  return Array.from({ length: count }, (_, i) => {
    const at = Date.now() - days * DAY + i * 1000
    const id = `${at
      .toString(16)
      .padStart(12, '0')
      .replace(/^(.{8})/, '$1-')}-7000-8000-${`${i}`.padStart(12, '0')}`
    const recorded = new Date(at).toISOString()
    const members = { id, kind: 'access', recorded, t: recorded, tenant: 'default', subject: `psn_${i % 20}` }
    return { id, json: JSON.stringify(members) }
  })
}

async function pages(query: LedgerQuery): Promise<readonly LedgerPage[]> {
  const all: LedgerPage[] = []
  let page = await ledger().read(query)
  for (;;) {
    all.push(page)
    if (!page.more) return all
    page = await ledger().read({ ...query, after: page.cursor })
  }
}
const jsonIn = (all: readonly LedgerPage[]) => all.flatMap(page => page.entries.map(({ json }) => json))

test('records older than 90 days are archived in R2, pruned, and read over the border in both directions', async () => {
  const all = [...entries(700, 200), ...entries(300, 1)]
  await ledger().append(all.slice(0, 700))
  await ledger().read({ limit: 1 })
  await vi.waitFor(async () => expect(await objects()).toHaveLength(2), 5_000)
  await age()
  await evict()
  expect(await runDurableObjectAlarm(log())).toBe(true)
  expect(await live()).toBeLessThan(200)
  for (let i = 700; i < all.length; i += 100) await ledger().append(all.slice(i, i + 100))
  const wanted = all.map(({ json }) => json)
  await evict()

  const oldest = await pages({ limit: 90 })
  expect(jsonIn(oldest)).toEqual(wanted)
  expect(oldest.map(({ archived = false }) => archived)).toEqual(
    oldest.map(({ archived = false }) => archived).sort((a, b) => Number(b) - Number(a)),
  )
  expect(oldest[0]?.archived).toBe(true)
  expect(oldest.at(-1)?.archived).toBeUndefined()
  expect(oldest.flatMap(page => page.entries.map(({ index }) => index))).toEqual(all.map((_, i) => i))
  expect(jsonIn(await pages({ limit: 90, order: 'newest' }))).toEqual(wanted.toReversed())
  const some = wanted.filter(json => json.includes('"psn_7"'))
  expect(jsonIn(await pages({ limit: 10, subject: 'psn_7' }))).toEqual(some)
  expect(jsonIn(await pages({ limit: 10, subject: 'psn_7', order: 'newest' }))).toEqual(some.toReversed())
})

test('an object that is evicted at any step of archiving and pruning loses nothing, and writes no other segment', async () => {
  const all = entries(900, 200)
  await ledger().append(all)
  const kill = async (delay: number) => {
    await new Promise(resolve => setTimeout(resolve, delay))
    await evict()
    await runDurableObjectAlarm(log()).catch(() => {})
  }
  for (let i = 0; i < 6; i++) {
    await ledger().read({ limit: 1 })
    await kill(7 * i)
  }
  await age()
  for (let i = 0; i < 6; i++) {
    await kill(5 * i)
    void runDurableObjectAlarm(log()).catch(() => {})
  }
  // Cloudflare repeats an alarm that was cut off, the simulator doesn't. The next record wakes the archive as well.
  await evict()
  const [late] = entries(1, 100)
  if (late === undefined) throw new Error()
  await ledger().append([late])
  await ledger().read({ limit: 1 })
  await vi.waitFor(async () => expect(await live()).toBeLessThan(200), 10_000)
  expect(jsonIn(await pages({ limit: 200 }))).toEqual([...all, late].map(({ json }) => json))
  expect((await objects()).slice(0, 2)).toEqual([
    'archive/0000000000000000.json',
    'archive/0000000000000000.ndjson.gz',
  ])
})

test('while R2 takes nothing, the log takes records and prunes none', async () => {
  const say = vi.spyOn(console, 'error').mockImplementation(() => {})
  // What another log has written there.
  await env.AUDIT.put('archive/0000000000000000.ndjson.gz', 'something else')
  const all = entries(500, 200)
  await ledger().append(all)
  await ledger().read({ limit: 1 })
  await vi.waitFor(() =>
    expect(say).toHaveBeenCalledWith(
      expect.stringMatching(/archive is not written.*500 records.*has other records than the log/),
    ),
  )
  await ledger().append(entries(100, 2))
  expect(await live()).toBe(500)
  expect(jsonIn(await pages({ limit: 1_000 }))).toHaveLength(600)
  say.mockRestore()
})
