import { env, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { eventId } from '../../src/ledger/event-id.ts'
import type { Ledger, LedgerEntry } from '../../src/ledger/ledger.ts'
import { createCloudflareLedger } from '../../src/runtime/cloudflare/index.ts'

// Durable Objects that an earlier version wrote, each of which was a part of the log, hand their records on to the log.

beforeEach(() => reset())

const START = Date.UTC(2026, 10, 23)
const entries = (count: number): LedgerEntry[] =>
  Array.from({ length: count }, (_, i) => {
    const id = eventId(START + i)
    return {
      id,
      json: `{"id":"${id}","kind":"access","t":"${new Date(START + i).toISOString()}","tenant":"north"}`,
    }
  })
const stub = (index: number) => env.LEDGER.get(env.LEDGER.idFromName(`ledger-${index}`))
const ledgerOf = (count: number) => createCloudflareLedger({ inboxes: env.LEDGER, logs: env.LOG, count })

/** The tables of an earlier version, and how it filled them. */
const VERSIONS = {
  '0.3.0': {
    tables: [
      'CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL)',
    ],
    // What came twice used up a number.
    inserts: [1, 2],
  },
  '0.6.0': {
    tables: [
      'CREATE TABLE event (place INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL) STRICT',
      `CREATE TABLE event_index (
        field TEXT NOT NULL, value TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (field, value, place)
      ) STRICT, WITHOUT ROWID`,
      'CREATE TABLE event_batch (batch INTEGER PRIMARY KEY, reached INTEGER NOT NULL) STRICT',
      'CREATE TABLE renumbered (seq INTEGER PRIMARY KEY, place INTEGER NOT NULL) STRICT',
    ],
    inserts: [1],
  },
}

/** Puts the storage of a Durable Object back to what an earlier version left, and restarts it. */
async function written(
  index: number,
  version: keyof typeof VERSIONS,
  old: readonly LedgerEntry[],
): Promise<void> {
  const { tables, inserts } = VERSIONS[version]
  await runInDurableObject(stub(index), async (_, state) => {
    const { sql } = state.storage
    for (const table of tables) sql.exec(table)
    for (const { id, json } of old) {
      for (const _ of inserts) {
        sql.exec('INSERT INTO event (id, json) VALUES (?, ?) ON CONFLICT DO NOTHING', id, json)
      }
    }
  })
  await runInDurableObject(stub(index), (_, state) => state.abort('restart')).catch(() => {})
}

/** Reads the log to its end, when it has so many records. */
async function idsOf(ledger: Ledger, count: number): Promise<string[]> {
  await vi.waitFor(async () => expect((await ledger.read({ limit: 1 })).end).toBe(`${count}`), {
    timeout: 20_000,
  })
  const ids: string[] = []
  for (let after = '0', more = true; more; ) {
    const page = await ledger.read({ limit: 1000, after })
    ids.push(...page.entries.map(({ id }) => id))
    ;({ cursor: after, more } = page)
  }
  return ids
}

describe.each(['0.3.0', '0.6.0'] as const)('a Durable Object of %s', version => {
  test('hands its records on in their order, before what comes later, each once', async () => {
    const old = entries(1_234)
    await written(0, version, old)
    const ledger = ledgerOf(1)
    const late = entries(1)
    await ledger.append([...late, ...old.slice(0, 2)])
    expect(await idsOf(ledger, 1_235)).toEqual([...old, ...late].map(({ id }) => id))
    expect((await ledger.read({ limit: 9, tenant: 'north', order: 'newest' })).entries).toHaveLength(9)
    await ledger.append(old.slice(-2))
    expect((await ledger.read({ limit: 1 })).end).toBe('1235')
    const tables = await runInDurableObject(stub(0), (_, { storage: { sql } }) =>
      sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").toArray(),
    )
    expect(
      tables
        .map(({ name }) => name)
        .filter(name => !/^(_cf|sqlite)_/.test(name))
        .sort(),
    ).toEqual(['log', 'waiting'])
  })

  test('goes on after each restart on the way', async () => {
    const old = entries(2_600)
    await written(0, version, old)
    const ledger = ledgerOf(1)
    for (let i = 0; i < 4; i++) {
      const moving = ledger.read({ limit: 1 })
      await new Promise(resolve => setTimeout(resolve, 10 * i))
      await runInDurableObject(stub(0), (_, state) => state.abort('restart')).catch(() => {})
      await moving.catch(() => {})
    }
    expect(await idsOf(ledger, 2_600)).toEqual(old.map(({ id }) => id))
  })
})

test('objects of an earlier version that no inbox is any more hand on what they hold by their own alarms', async () => {
  const old = [entries(700), entries(300)]
  await written(0, '0.6.0', old[0] ?? [])
  await written(1, '0.6.0', old[1] ?? [])
  // With two inboxes once, with one from now on.
  // Each call goes to one of the two at random.
  for (const entry of entries(20)) await ledgerOf(2).append([entry])
  for (const index of [0, 1]) await runDurableObjectAlarm(stub(index))
  const ledger = ledgerOf(1)
  const ids = await idsOf(ledger, 1_020)
  for (const of of old) {
    expect(ids.filter(id => of.some(entry => entry.id === id))).toEqual(of.map(({ id }) => id))
  }
})
