import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Alarm } from '../../src/runtime/cloudflare/alarm.ts'
import { LogSinks } from '../../src/runtime/cloudflare/log-sinks.ts'
import { EventTable } from '../../src/runtime/sqlite/event-table.ts'
import type { SqlStorage } from '../../src/runtime/sqlite/sql.ts'
import { entry } from '../support/followed.ts'

// Sinks in the object of the log: what wakes them, and where files go.

const fetched = vi.fn<typeof fetch>()
beforeEach(async () => {
  await reset()
  vi.spyOn(console, 'error').mockImplementation(() => {})
  vi.stubGlobal('fetch', fetched)
  fetched.mockReset().mockImplementation(async () => new Response('{}'))
})
afterEach(() => void vi.unstubAllGlobals())

const SPLUNK = {
  type: 'splunk',
  url: 'https://hec.clinic.example/services/collector/event',
  secret: { secret: 'TOKEN' },
}

/** What a test does with the log's object. */
interface Scene {
  readonly sinks: LogSinks
  /** Makes what an eviction and a start make of it. */
  restart(): LogSinks
  store(first: number, count: number): void
  alarm(): Promise<number | null>
}

async function inLog(entries: object[], work: (scene: Scene) => Promise<void>): Promise<void> {
  await runInDurableObject(env.LOG.get(env.LOG.newUniqueId()), async (_, state) => {
    const storage: SqlStorage = {
      sql: (statement, ...parameters) => state.storage.sql.exec(statement, ...parameters).toArray() as never,
      transaction: run => state.storage.transactionSync(run),
    }
    const events = new EventTable(storage.sql)
    const variables = { ...env, SINKS: JSON.stringify(entries), TOKEN: 'hec-token' }
    const restart = () => new LogSinks(variables, storage, events, new Alarm(state))
    const scene = { sinks: restart() }
    await work({
      ...scene,
      restart,
      store: (first, count) => events.append(Array.from({ length: count }, (_, i) => entry(first + i))),
      alarm: () => state.storage.getAlarm(),
    })
    await state.storage.deleteAlarm()
  })
}
const idsSent = () =>
  fetched.mock.calls.flatMap(([, init]) =>
    [...`${init?.body}`.matchAll(/"event_id":"([^"]+)"/g)].map(([, id]) => id),
  )

test('records are sent as soon as they are stored, without following a redirect', async () => {
  await inLog([SPLUNK], async ({ sinks, store }) => {
    store(0, 3)
    sinks.wake()
    await vi.waitFor(() => expect(idsSent()).toEqual([0, 1, 2].map(i => entry(i).id)))
    expect(fetched.mock.calls[0]?.[1]).toMatchObject({
      redirect: 'manual',
      headers: { Authorization: 'Splunk hec-token' },
    })
  })
})

test('an alarm wakes the object while a sink waits for a retry, and records go on after an eviction', async () => {
  await inLog([SPLUNK], async ({ sinks, restart, store, alarm }) => {
    fetched.mockImplementation(
      async () => new Response(null, { status: 503, headers: { 'Retry-After': '1' } }),
    )
    store(0, 2)
    sinks.wake()
    expect(await alarm()).toBeGreaterThan(Date.now())
    await vi.waitFor(() => expect(fetched).toHaveBeenCalled())
    fetched.mockReset().mockImplementation(async () => new Response('{}'))
    sinks.sinks.close()
    const next = restart()
    await vi.waitFor(
      async () => {
        await next.alarm()
        expect(idsSent()).toEqual([0, 1].map(i => entry(i).id))
      },
      { timeout: 10_000, interval: 200 },
    )
  })
})

test('no alarm is set again once all sinks are up to date', async () => {
  await inLog([SPLUNK], async ({ sinks, store, alarm }) => {
    store(0, 1)
    sinks.wake()
    await vi.waitFor(() => expect(fetched).toHaveBeenCalledOnce())
    const set = await alarm()
    await sinks.alarm()
    expect(await alarm()).toBe(set)
    expect(fetched).toHaveBeenCalledOnce()
  })
})

test('a log without sinks sets no alarm and keeps no state', async () => {
  await inLog([], async ({ sinks, store, alarm }) => {
    store(0, 1)
    sinks.wake()
    await sinks.alarm()
    expect(await alarm()).toBeNull()
    expect(await sinks.sinks.list()).toEqual([])
  })
})

test('files go to the bucket AUDIT once, and none is overwritten', async () => {
  await inLog([{ type: 'files', from: 'start' }], async ({ sinks, store }) => {
    store(0, 1_000)
    sinks.wake()
    const name = 'records/files/2026-11-23/000000000000-000000000999.ndjson'
    const read = async () => (await env.AUDIT.get(name))?.text()
    await vi.waitFor(async () => expect((await read())?.split('\n')).toHaveLength(1_001), { timeout: 5_000 })
    const before = await env.AUDIT.head(name)
    await sinks.sinks.replay('files', { from: 0 })
    await vi.waitFor(async () => expect((await sinks.sinks.list())[0]).toMatchObject({ behind: 0 }), {
      timeout: 5_000,
    })
    expect((await env.AUDIT.head(name))?.uploaded).toEqual(before?.uploaded)
    expect(JSON.parse((await read())?.split('\n')[7] ?? '')).toEqual({
      index: 7,
      record: JSON.parse(entry(7).json),
    })
  })
})

test('a mistake in SINKS keeps the object from sending, and not from storing', async () => {
  const said = vi.spyOn(console, 'error').mockReturnValue()
  await inLog([{ ...SPLUNK, type: 'kafka' }], async ({ sinks, store }) => {
    store(0, 1)
    sinks.wake()
    expect(await sinks.sinks.list()).toEqual([])
    expect(fetched).not.toHaveBeenCalled()
  })
  // An app that mounts the gate reads its own options, so the object alone knows of it.
  expect(said).toHaveBeenCalledWith(expect.stringMatching(/the log sends no records.*SINKS\[0\]/))
  said.mockRestore()
})
