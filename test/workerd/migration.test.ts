import { env, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { beforeEach, expect, test } from 'vitest'
import { eventId } from '../../src/ledger/event-id.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { createShardedLedger } from '../../src/runtime/cloudflare/index.ts'

// A Durable Object whose storage was written by an earlier version is moved to the tables of this one.

beforeEach(() => reset())

/** The statements of 0.3.0. */
const TABLE =
  'CREATE TABLE IF NOT EXISTS event (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL)'
const INSERT = 'INSERT INTO event (id, json) VALUES (?, ?) ON CONFLICT DO NOTHING'

const START = Date.UTC(2026, 10, 23)
const entries = (count: number) =>
  Array.from({ length: count }, (_, i) => {
    const id = eventId(START + i)
    return {
      id,
      json: `{"id":"${id}","kind":"access","t":"${new Date(START + i).toISOString()}","tenant":"north"}`,
    }
  })
const stub = () => env.LEDGER.get(env.LEDGER.idFromName('ledger-0'))

/** Puts the storage of a Durable Object back to what 0.3.0 left, and restarts it. */
async function written(old: readonly { id: string; json: string }[]): Promise<void> {
  await runInDurableObject(stub(), async (_, state) => {
    const { sql } = state.storage
    for (const table of ['event', 'event_index', 'event_batch', 'renumbered']) sql.exec(`DROP TABLE ${table}`)
    sql.exec(TABLE)
    for (const { id, json } of old) {
      sql.exec(INSERT, id, json)
      // What came twice used up a number.
      sql.exec(INSERT, id, json)
    }
  })
  await runInDurableObject(stub(), (_, state) => state.abort('restart')).catch(() => {})
}

async function idsAfter(ledger: Ledger, after: string): Promise<string[]> {
  const ids: string[] = []
  for (let more = true; more; ) {
    const page = await ledger.read({ limit: 1000, after })
    ids.push(...page.entries.map(({ id }) => id))
    ;({ cursor: after, more } = page)
  }
  return ids.sort()
}

test('a Durable Object with few records of 0.3.0 moves them when it starts, and its cursors stay valid', async () => {
  const old = entries(100)
  await written(old)
  const ledger = createShardedLedger(env.LEDGER, 1)
  expect(await idsAfter(ledger, '0')).toEqual(old.map(({ id }) => id))
  // Of the numbers 1, 3, 5 and so on a reader had got to the tenth one.
  expect(await idsAfter(ledger, '19')).toEqual(old.slice(10).map(({ id }) => id))
  const late = entries(1)
  expect(await ledger.append([...late, ...old.slice(0, 2)])).toEqual(['added', 'present', 'present'])
  expect(await idsAfter(ledger, '199')).toEqual([late[0]?.id])
  expect((await ledger.read({ limit: 9, tenant: 'north', latest: true })).entries).toHaveLength(9)
})

test('a Durable Object with many records of 0.3.0 moves them in steps, and takes records in between', async () => {
  const old = entries(4_500)
  await written(old)
  const ledger = createShardedLedger(env.LEDGER, 1)
  const late = entries(1)
  expect(await ledger.append([...late, ...old.slice(0, 1), ...old.slice(-1)])).toEqual([
    'added',
    'present',
    'present',
  ])
  for (let i = 0; i < 10 && (await runDurableObjectAlarm(stub())); i++);
  const all = [...old, ...late].map(({ id }) => id)
  expect(await idsAfter(ledger, '0')).toEqual(all.toSorted())
  expect(await ledger.append(old.slice(0, 2))).toEqual(['present', 'present'])
})
