import { expect, test } from 'vitest'
import type { ReadEntry } from '../../src/ledger/ledger.ts'
import { WatchStore } from '../../src/runtime/postgres/watch/watch-store.ts'
import type { Changes } from '../../src/watch/finding.ts'
import { isFindingRecord } from '../../src/watch/findings/finding-record.ts'
import type { Watching } from '../../src/watch/watching.ts'
import { FAKE_RULES } from '../support/fake-rules.ts'
import { createDatabase, openLedger, openSession, usePostgres } from '../support/postgres-test.ts'
import { recordErrors } from '../support/record-schema.ts'
import { refusal } from '../support/refusal.ts'
import { type WatchedLog, watchContract } from './watch.ts'

usePostgres()

watchContract('PostgreSQL', async () => open(await createDatabase(), { to: -1, ahead: 0 }), recordErrors)

const EMPTY: Changes = {
  ...{ findings: [], opened: [], suppressions: [], canaries: [], records: [], texts: [] },
  seq: 0,
}

test('a process that is not the log, or goes on from an old position, stores nothing', async () => {
  const url = await createDatabase()
  const [log, late] = [1, 2].map(() => new WatchStore(openSession(url), openSession(url))) as [
    WatchStore,
    WatchStore,
  ]
  const windows = [{ key: 'RG-016 psn_1', members: [], expires: 1 }] as const
  const storing = { changes: { ...EMPTY, seq: 7 }, windows, now: 0 }
  await log.store(0, 5, { ...storing, windows: [] })
  await expect(late.store(1, 9, storing)).rejects.toThrow('another process is the log')
  await expect(log.store(0, 9, storing)).rejects.toThrow('another process is the log')
  expect(await log.position()).toEqual({ version: 1, next: 5, seq: 7 })
  expect(await log.windows(['RG-016 psn_1'])).toEqual(new Map())
  await log.store(1, 9, storing)
  expect(await late.position()).toEqual({ version: 2, next: 9, seq: 7 })
})

test('windows that have expired are removed, a few with each that is stored', async () => {
  const url = await createDatabase()
  const store = new WatchStore(openSession(url), openSession(url))
  const window = (i: number, expires: number) => ({ key: `RG-016 ${i}`, members: [], expires })
  const all = Array.from({ length: 250 }, (_, i) => window(i, i < 240 ? 1_000 : 9_000))
  await store.store(0, 0, { changes: EMPTY, windows: all, now: 0 })
  for (let version = 1; version < 4; version++) {
    await store.store(version, 0, { changes: EMPTY, windows: [window(0, 9_000)], now: 5_000 })
  }
  const left = await store.windows(all.map(({ key }) => key))
  expect([...left.keys()].sort()).toEqual(
    [0, 240, 241, 242, 243, 244, 245, 246, 247, 248, 249].map(i => `RG-016 ${i}`),
  )
})

test('an analyst changes findings by any process, and each shows them', async () => {
  const url = await createDatabase()
  const ledgers = [1, 2].map(() => openLedger(url, undefined, undefined, FAKE_RULES))
  const [one, other] = ledgers
  await one?.append([refusal('not_owner', { subject: 'psn_1' })])
  const list = async () => (await other?.findings?.list({ limit: 10 }))?.findings ?? []
  await expect.poll(list, { timeout: 10_000 }).toHaveLength(1)
  const [{ id } = { id: '' }] = await list()
  for (const { findings } of ledgers) {
    expect(await findings?.act(id, { action: 'comment', by: 'psn_2', text: 'a look' })).toMatchObject({
      finding: { id },
    })
  }
  for (const { findings } of ledgers) expect((await findings?.show(id))?.texts).toHaveLength(2)
  const records = async () => (await one?.read({ limit: 10, kind: 'finding' }))?.entries ?? []
  await expect.poll(records).toHaveLength(3)
  const seqs = (await records()).map(({ json }) => JSON.parse(json).gate.seq)
  expect(seqs).toEqual([1, 2, 3])
})

/** How far the rules have looked: the index of the last record. */
interface Seen {
  to: number
  /** How far the clock is ahead, in milliseconds. */
  ahead: number
}

/** The fake rules, which note how far they have looked. */
const noting = (seen: Seen): Watching => ({
  ...FAKE_RULES,
  engine(canaries) {
    const engine = FAKE_RULES.engine(canaries)
    return {
      needs: records => engine.needs(records),
      replay: records => engine.replay(records),
      observe(records, stored) {
        seen.to = Math.max(seen.to, records.at(-1)?.index ?? -1)
        return engine.observe(records, stored)
      },
    }
  },
})

function open(url: string, seen: Seen): WatchedLog {
  const ledger = openLedger(url, undefined, () => Date.now() + seen.ahead, noting(seen))
  const { findings } = ledger
  if (findings === undefined) throw new Error('the ledger has no rules')
  /** Returns the index of the last record that is for rules. */
  const last = async () => {
    const { entries } = await ledger.read({ limit: 100, order: 'newest' })
    return entries.find(({ json }: ReadEntry) => !isFindingRecord(json))?.index ?? -1
  }
  const settle = async () => {
    const isBehind = async () => seen.to < (await last())
    do {
      while (await isBehind()) await new Promise(resolve => setTimeout(resolve, 20))
      // It changes nothing, and waits for what is under way. A finding may have given deliveries their index by then.
      await findings.endSuppression('none', 'psn_0')
    } while (await isBehind())
  }
  return {
    ...{ ledger, findings, settle },
    async pass(time) {
      seen.ahead += time
      await ledger.append([refusal('token_missing')])
      await settle()
    },
    async restart() {
      ledger.close()
      return open(url, seen)
    },
  }
}
