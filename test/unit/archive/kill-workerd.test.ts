import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test } from 'vitest'
import { bundle, DURABLE_OBJECTS } from '../../../src/cli/workerd.ts'
import type { LedgerEntry, LedgerPage } from '../../../src/ledger/ledger.ts'
import { startWorker } from '../../bench/workers.ts'
import { entryAt } from '../../support/archived-log.ts'
import type { Counted } from '../../support/counted.ts'
import { KeptRecords, type LogContents } from '../../support/kept-records.ts'
import { LONG } from '../../support/sample.ts'
import { deliveryOf } from '../../support/sums.ts'

// The same on Workers: inboxes, pulls, indexes, deliveries that are put together, archive and pruning.

const RUNS = LONG ? 200 : 6
/** A log that has grown takes long to read. */
const ON_ONE_LOG = LONG ? 10 : 6
const SCRIPT = new URL('../../workerd/hurried-log.ts', import.meta.url).pathname

async function start(folder: string, begun: number) {
  const bindings = { BEGUN: `${begun}`, LOG_RECORDS: '1000', LOG_DAYS: '1' }
  const settings = { durableObjects: DURABLE_OBJECTS, bindings }
  const worker = await startWorker('hurried', await bundle(SCRIPT), folder, settings)
  const url = `http://127.0.0.1:${worker.port}`
  const ask = async <Answer>(query: string) => (await (await fetch(`${url}/${query}`)).json()) as Answer
  /** Reads the log while it may go on. */
  const read = async () => {
    const all: LedgerPage['entries'][number][] = []
    let isPruned = false
    for (let query = '', more = true; more; ) {
      const page = await ask<LedgerPage>(query)
      all.push(...page.entries)
      isPruned ||= page.archived === true
      query = `?after=${page.cursor}`
      more = page.more
    }
    return { all, held: await ask<readonly LedgerEntry[]>('?after=held'), isPruned }
  }
  return {
    append: async (entries: readonly LedgerEntry[]) =>
      (await fetch(url, { method: 'POST', body: JSON.stringify(entries) })).ok,
    /** Reads the log when it has pulled and put together all that a kill has left. */
    async readAll(): Promise<LogContents & { readonly isPruned: boolean }> {
      for (let before = await ask<Counted>('?after=counted'); ; ) {
        const contents = await read()
        const counted = await ask<Counted>('?after=counted')
        // What gets its index in between may be in the counts alone.
        if (JSON.stringify(counted) === JSON.stringify(before)) return { ...contents, counted }
        before = counted
      }
    },
    async kill() {
      for (const pid of worker.pids) process.kill(pid, 'SIGKILL')
      await worker.stop().catch(() => {})
    },
    stop: () => worker.stop(),
  }
}

test.each(Array.from({ length: RUNS / ON_ONE_LOG }, (_, i) => i))(
  `a log on Workers killed ${ON_ONE_LOG} times while it merges, archives and prunes has lost nothing and doubled nothing (%i)`,
  { timeout: 60_000 + ON_ONE_LOG * 30_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
    const begun = Date.now()
    const kept = new KeptRecords()
    let seq = 0
    let log = await start(folder, begun)
    for (let run = 0; run < ON_ONE_LOG; run++) {
      let isOver = false
      const appending = Array.from({ length: 3 }, async () => {
        while (!isOver) {
          const entries = Array.from({ length: 40 }, (_, i) => {
            seq += 1
            return i % 8 === 0
              ? deliveryOf(Date.now(), 'aaaa', seq)
              : entryAt(Date.now(), { subject: `psn_${i}` })
          })
          const isDurable = await log.append(entries).catch(() => false)
          if (isDurable) kept.add(entries.map(({ json }) => json))
        }
      })
      await new Promise(resolve => setTimeout(resolve, LONG ? 3_000 * Math.random() : 400 + 500 * run))
      await log.kill()
      isOver = true
      await Promise.all(appending)
      log = await start(folder, begun)
      kept.expectIn(await log.readAll())
    }
    // A day passes in 24 seconds, and the live log keeps none longer.
    await expect
      .poll(() => log.readAll(), { timeout: 60_000, interval: 1_000 })
      .toMatchObject({ isPruned: true })
    await log.stop()
    expect(kept.size).toBeGreaterThan(ON_ONE_LOG * 40)
  },
)
