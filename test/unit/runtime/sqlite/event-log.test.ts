import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { canonical } from '../../../../src/ledger/canonical.ts'
import type { LedgerEntry } from '../../../../src/ledger/ledger.ts'
import { createSqliteLedger, type SqliteLedger } from '../../../../src/runtime/sqlite/sqlite-ledger.ts'

// The log holds the deliveries of a view, and gives them one index for five minutes.

const MINUTE = 60_000
let now: number
let file: string
let ledger: SqliteLedger

beforeEach(() => {
  now = Date.UTC(2026, 10, 27)
  file = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite')
  ledger = createSqliteLedger(file, () => now)
})

let seq = 0
function delivery(view: string, first: number, members: object = {}): LedgerEntry {
  seq += 1
  const id = `id-${String(seq).padStart(6, '0')}`
  const at = new Date(now).toISOString()
  const record = {
    ...{ v: 1, id, t: at, recorded: at, kind: 'delivery', decision: 'permit', tenant: 'north', view },
    ...{ recording: `rec-${view}`, gate: { version: '0.7.0', isolate: 'aaaa', seq } },
    ...{ answers: 1, cut: 0, assumed: 0, bytes: 10, parts: [{ ranges: [[first, first + 9]] }] },
    ...members,
  }
  return { id, json: canonical(record) }
}
const indexed = async () => (await ledger.read({ limit: 100 })).entries.map(({ json }) => JSON.parse(json))
const held = async (query = {}) => (await ledger.held(query)).map(({ json }) => JSON.parse(json))

test('deliveries of a view get one index after five minutes, and are shown as they are so far until then', async () => {
  for (let i = 0; i < 12; i++) {
    await ledger.append([delivery('a', i * 10)])
    now += 10_000
  }
  expect(await indexed()).toEqual([])
  expect(await held()).toMatchObject([{ bytes: 120, answers: 12, parts: [{ ranges: [[0, 119]] }] }])
  now += 3 * MINUTE - 1
  await ledger.settle()
  expect(await indexed()).toEqual([])
  now += 1
  await ledger.settle()
  expect(await indexed()).toMatchObject([{ bytes: 120, merged: [{ isolate: 'aaaa' }] }])
  expect(await held()).toEqual([])
  expect((await ledger.read({ limit: 1 })).entries[0]?.index).toBe(0)
})

test('other records are not held up, and have their index at once', async () => {
  await ledger.append([delivery('a', 0), { id: 'view', json: '{"id":"view","kind":"view"}' }])
  expect(await indexed()).toMatchObject([{ kind: 'view' }])
})

test('a sum that comes again is not counted again: before its index, after it, and after a restart', async () => {
  const [one, two] = [delivery('a', 0), delivery('a', 10)]
  await ledger.append([one, two, one])
  await ledger.append([two])
  ledger.close()
  ledger = createSqliteLedger(file, () => now)
  await ledger.append([one])
  expect(await held()).toMatchObject([{ bytes: 20 }])
  now += 5 * MINUTE
  await ledger.settle()
  await ledger.append([one, two])
  now += 5 * MINUTE
  await ledger.settle()
  expect(await indexed()).toMatchObject([{ bytes: 20 }])
})

test('a sum that an earlier version gave an index is not held when it comes again', async () => {
  const one = delivery('a', 0)
  await ledger.append([one])
  now += 5 * MINUTE
  await ledger.settle()
  now += 8 * 24 * 60 * MINUTE
  // Ids are forgotten after a week, while other views go on.
  await ledger.append([delivery('b', 0)])
  now += 5 * MINUTE
  await ledger.settle()
  await ledger.append([one])
  expect(await held()).toEqual([])
})

test('what is held survives a restart, and gets its index then', async () => {
  await ledger.append([delivery('a', 0), delivery('b', 0)])
  ledger.close()
  now += 6 * MINUTE
  ledger = createSqliteLedger(file, () => now)
  await ledger.settle()
  expect(await indexed()).toMatchObject([{ view: 'a' }, { view: 'b' }])
})

test('what does not fit into one record gets its index at once, and the rest is held', async () => {
  const large = (i: number) =>
    delivery('a', 0, {
      parts: Array.from({ length: 100 }, (_, n) => ({
        part: `${i}-${n}-${'x'.repeat(200)}`,
        ranges: [[0, 9]],
      })),
    })
  for (let i = 0; i < 4; i++) await ledger.append([large(i)])
  const parts = [...(await indexed()), ...(await held())].flatMap(({ parts }) => parts)
  expect(new Set(parts.map(({ part }) => part)).size).toBe(400)
  expect((await indexed()).length).toBeGreaterThan(0)
  expect(await held()).toHaveLength(1)
})

test('what is held is found by what a query asks', async () => {
  await ledger.append([delivery('a', 0), delivery('b', 0, { tenant: 'south' })])
  expect(await held({ recording: 'rec-a' })).toMatchObject([{ view: 'a' }])
  expect(await held({ tenant: 'south' })).toMatchObject([{ view: 'b' }])
  expect(await held({ kind: 'view' })).toEqual([])
  expect(await held({ since: new Date(now + 1).toISOString() })).toEqual([])
})
