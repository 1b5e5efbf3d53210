import { beforeEach, expect, test } from 'vitest'
import type { Ledger } from '../../../src/index.ts'
import type { EventHead } from '../../../src/ledger/event.ts'
import type { GapFacts } from '../../../src/ledger/facts/gate-facts.ts'
import { withoutCaller } from '../../../src/ledger/head.ts'
import { createRecorder, type Recorder } from '../../../src/ledger/recorder.ts'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { recordErrors } from '../../support/record-schema.ts'

const FACTS = { kind: 'access', decision: 'deny', reason: 'not_owner', status: 404, method: 'GET' } as const

let now: number
let down: (json: string) => boolean
let lost: string[]
let record: Recorder
let read: () => Promise<string[]>
beforeEach(() => {
  now = Date.parse('2026-11-22T10:00:00.000Z')
  down = () => false
  lost = []
  const memory = createMemoryLedger()
  const ledger: Ledger = {
    ...memory,
    append: async entries => {
      await Promise.resolve()
      if (entries.some(({ json }) => down(json))) throw new Error('down')
      return memory.append(entries)
    },
  }
  record = createRecorder(
    ledger,
    async () => `psn_${'0'.repeat(32)}`,
    () => now,
    json => lost.push(json),
  )
  read = async () => (await memory.read({ limit: 99 })).entries.map(({ json }) => json)
})

const refuse = () => record(withoutCaller(now), FACTS)
const gaps = async () => {
  const events = (await read()).filter(json => json.includes('"gap"'))
  for (const json of events) expect(recordErrors(json)).toEqual([])
  return events.map(json => JSON.parse(json) as EventHead & GapFacts)
}
/** Loses so many records, a second after one another. */
async function lose(count: number): Promise<void> {
  down = () => true
  for (let i = 0; i < count; i++) {
    await expect(refuse()).rejects.toThrow('down')
    now += 1000
  }
  down = () => false
}

test('the first record that a store takes after an outage is followed by one of how many are missing, and when', async () => {
  await refuse()
  await lose(3)
  await refuse()
  const [gap, ...more] = await gaps()
  expect(more).toEqual([])
  expect(gap).toMatchObject({
    count: 3,
    since: '2026-11-22T10:00:00.000Z',
    until: '2026-11-22T10:00:02.000Z',
    recorded: '2026-11-22T10:00:03.000Z',
    missing: { isolate: gap?.gate.isolate, from: 2, to: 4 },
    gate: { seq: 6 },
  })
})

test('a gap names neither a caller nor a network', async () => {
  await lose(1)
  await refuse()
  const members = ['count', 'gate', 'id', 'kind', 'missing', 'recorded', 'since', 't', 'tenant', 'until', 'v']
  expect((await gaps()).map(gap => Object.keys(gap).sort())).toEqual([members])
})

test('a gap is recorded once, however many records come at once after it', async () => {
  await lose(2)
  await Promise.all(Array.from({ length: 20 }, refuse))
  expect((await gaps()).map(({ count }) => count)).toEqual([2])
})

test('a gap that can not be recorded fails no record, and is added to the next one with itself', async () => {
  await lose(2)
  down = json => json.includes('"gap"')
  await refuse()
  down = () => false
  await refuse()
  const [gap, ...more] = await gaps()
  expect(more).toEqual([])
  expect(gap).toMatchObject({ count: 3, since: '2026-11-22T10:00:00.000Z', missing: { from: 1, to: 4 } })
  // Each number is in the log, or was handed out.
  const seqs = [...(await read()), ...lost].map(json => (JSON.parse(json) as EventHead).gate.seq)
  expect(seqs.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6])
})

test('each outage is a gap of its own', async () => {
  for (const count of [1, 2]) {
    await lose(count)
    await refuse()
  }
  expect((await gaps()).map(({ count }) => count)).toEqual([1, 2])
})

test('a record that can not be written as JSON counts as missing, too', async () => {
  const network = { ip: undefined, prefix: undefined, asn: Number.NaN, country: undefined }
  await expect(record({ ...withoutCaller(now), network }, FACTS)).rejects.toThrow()
  await refuse()
  expect((await gaps()).map(({ count }) => count)).toEqual([1])
})
