import { env, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { beforeEach, expect, test } from 'vitest'
import { canonical } from '../../src/ledger/canonical.ts'
import { createCloudflareLedger } from '../../src/runtime/cloudflare/index.ts'

// The Durable Object of the log holds deliveries, and wakes up when they are due.

beforeEach(() => reset())

const log = () => env.LOG.get(env.LOG.idFromName('log'))
const delivery = (seq: number, first: number) => {
  const id = `00000000-0000-7000-8000-00000000000${seq}`
  const facts = { answers: 1, cut: 0, assumed: 0, bytes: 10, parts: [{ ranges: [[first, first + 9]] }] }
  const gate = { version: '0.7.0', isolate: 'aaaa', seq }
  const recorded = new Date().toISOString()
  return { id, json: canonical({ id, kind: 'delivery', view: 'a', gate, recorded, ...facts }) }
}

test('deliveries are held, survive an eviction, and get their index by an alarm', async () => {
  const ledger = createCloudflareLedger({ inboxes: env.LEDGER, logs: env.LOG, count: 3 })
  for (let i = 1; i < 4; i++) await ledger.append([delivery(i, i * 10)])
  await ledger.append([delivery(2, 20)])
  expect((await ledger.read({ limit: 10 })).entries).toEqual([])
  await runInDurableObject(log(), (_, state) => state.abort('restart')).catch(() => {})
  const [held] = await ledger.held({})
  expect(JSON.parse(held?.json ?? '')).toMatchObject({ bytes: 30, parts: [{ ranges: [[10, 39]] }] })

  await runInDurableObject(log(), async (_, { storage }) => {
    expect(await storage.getAlarm()).toBeGreaterThan(Date.now() + 200_000)
    storage.sql.exec('UPDATE held_delivery SET due = 1')
  })
  await runInDurableObject(log(), (_, state) => state.abort('restart')).catch(() => {})
  expect(await runDurableObjectAlarm(log())).toBe(true)
  expect(await ledger.held({})).toEqual([])
  const { entries } = await ledger.read({ limit: 10 })
  expect(entries.map(({ index, json }) => [index, JSON.parse(json).bytes])).toEqual([[0, 30]])
})
