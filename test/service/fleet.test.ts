import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AccessEvent, DeliveryFacts, EventHead } from '../../src/ledger/event.ts'
import type { ReadEntry } from '../../src/ledger/ledger.ts'
import { expectCounts } from '../support/expected-counts.ts'
import { Fleet, type Member } from '../support/fleet.ts'
import type { RunningGate } from '../support/gate.ts'
import { createIssuer, denials, type TestIssuer, variables } from '../support/gate-client.ts'
import { LiveClient } from '../support/live-client.ts'
import { createPostgresServer, PASSWORD, type PostgresServer } from '../support/postgres-server.ts'
import { AUTHORITY } from '../support/private-authority.ts'
import { LONG } from '../support/sample.ts'
import { startService } from '../support/service.ts'
import { SinkServer } from '../support/sink-server.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

// A fleet over one database: whatever fails, no confirmed record is missing, and none has two indexes or skips one.

let server: PostgresServer
beforeAll(async () => {
  server = await createPostgresServer('npm', { hasTls: true })
})
afterAll(() => server?.remove())

const pause = (milliseconds: number) => new Promise(resolve => setTimeout(resolve, milliseconds))

/** Ends a fleet and checks its log. */
async function expectWholeLog(fleet: Fleet): Promise<void> {
  const { entries, counted } = await fleet.finish()
  expect(fleet.members.filter(({ hasCrashed }) => hasCrashed).map(({ said }) => said)).toEqual([])
  expect(entries.map(({ index }) => index)).toEqual(entries.map((_, index) => index))
  const ids = new Set(entries.map(({ id }) => id))
  expect(ids.size).toBe(entries.length)
  expect(fleet.confirmed.filter(id => !ids.has(id))).toEqual([])
  expectEachSumOnce(fleet, entries)
  expectCounts(
    counted,
    entries.map(({ json }) => json),
  )
  // What is said of a failure holds nothing of the address.
  expect(fleet.members.map(({ said }) => said).join()).not.toMatch(RegExp(`${PASSWORD}|127\\.0\\.0\\.1`))
}

/** Checks that each sum of deliveries is in one record, once, and that the record has the bytes of its sums. */
function expectEachSumOnce(fleet: Fleet, entries: readonly ReadEntry[]): void {
  const deliveries = entries
    .map(({ json }) => JSON.parse(json) as Partial<DeliveryFacts> & EventHead)
    .filter(({ kind }) => kind === 'delivery')
  const sums = deliveries.flatMap(({ merged, gate, bytes }) => {
    const own = (merged ?? [{ isolate: gate.isolate, seq: [gate.seq] }]).flatMap(({ isolate, seq }) =>
      seq.map(one => `${isolate} ${one}`),
    )
    expect(bytes).toBe(10 * own.length)
    return own
  })
  const once = new Set(sums)
  expect(sums).toHaveLength(once.size)
  expect(fleet.confirmedSums.filter(sum => !once.has(sum))).toEqual([])
  expect(fleet.confirmedSums.length).toBeGreaterThan(0)
}

/** Milliseconds until another machine is the log. */
async function failover(fleet: Fleet, log: Member): Promise<number> {
  const began = performance.now()
  await fleet.log(log)
  return performance.now() - began
}

test('machines on Node and Deno share one log over TLS, and each record has one index', async () => {
  const fleet = await Fleet.create(server)
  const authority = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'authority.pem')
  writeFileSync(authority, AUTHORITY)
  for (const runtime of ['node', 'deno'] as const) fleet.add({ runtime, authority })
  await fleet.confirms(1_000)
  const connections = await server.run(
    `SELECT count(DISTINCT application_name)::int AS machines FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
      WHERE ssl AND application_name LIKE 'mediaward %'`,
  )
  expect(connections).toEqual([{ machines: 2 }])
  await expectWholeLog(fleet)
})

test.each([
  ['was killed', (log: Member) => log.kill(), (log: Member) => log.start()],
  ['hangs', async (log: Member) => log.send('SIGSTOP'), (log: Member) => log.send('SIGCONT')],
] as const)(
  'another machine is the log within 10 s after the one that is %s, and what that does later harms nothing',
  async (_, stop, goOn) => {
    const fleet = await Fleet.create(server)
    for (let i = 0; i < 3; i++) fleet.add()
    const log = await fleet.log()
    await fleet.confirms(200)
    await stop(log)
    expect(await failover(fleet, log)).toBeLessThan(10_000)
    await fleet.confirms(200)
    goOn(log)
    await fleet.confirms(400)
    await expectWholeLog(fleet)
  },
)

test('a machine that is cut off from the database hands over, keeps its records, and brings them back', async () => {
  const fleet = await Fleet.create(server)
  const proxy = await startTcpProxy(server.port)
  const alone = fleet.add({ port: proxy.port })
  expect(await fleet.log()).toBe(alone)
  fleet.add()
  fleet.add()
  await fleet.confirms(200)
  proxy.become('stall')
  expect(await failover(fleet, alone)).toBeLessThan(10_000)
  await fleet.confirms(200)
  proxy.become('cut')
  await fleet.confirms(200)
  proxy.become('pass')
  await fleet.confirms(200)
  expect(alone.said).toContain('the ledger took no record, the spool keeps it')
  await expectWholeLog(fleet)
  await proxy.stop()
})

test('a slow network to the database loses nothing', async () => {
  const fleet = await Fleet.create(server)
  const proxy = await startTcpProxy(server.port)
  for (let i = 0; i < 2; i++) fleet.add({ port: proxy.port })
  await fleet.confirms(100)
  for (const delay of [200, 1_500, 0]) {
    proxy.delay = delay
    await pause(3_000)
  }
  await fleet.confirms(100)
  await expectWholeLog(fleet)
  await proxy.stop()
})

test.each(['stopped', 'killed'] as const)(
  'machines keep their records while the database is %s, and bring them back',
  async how => {
    const fleet = await Fleet.create(server)
    for (let i = 0; i < 2; i++) fleet.add()
    await fleet.confirms(200)
    await (how === 'stopped' ? server.stop() : server.kill())
    await fleet.confirms(100)
    await server.start()
    await fleet.log()
    await fleet.confirms(200)
    await expectWholeLog(fleet)
  },
)

test('machines that are creating the tables when the database is killed go on when it is back', async () => {
  const fleet = await Fleet.create(server)
  const waitsFor = (isGranted: boolean) =>
    server.run(
      `SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 1 AND granted = ${isGranted}`,
      fleet.url,
    )
  const creating = server
    .run('SELECT pg_advisory_lock(1298490473, 1), pg_sleep(60)', fleet.url)
    .catch(() => {})
  await expect.poll(() => waitsFor(true)).toHaveLength(1)
  for (const runtime of ['node', 'deno'] as const) fleet.add({ runtime })
  // Each has two connections at its start, to write and to be the log.
  await expect.poll(async () => (await waitsFor(false)).length, { timeout: 10_000 }).toBeGreaterThan(3)
  await server.kill()
  await creating
  await server.start()
  await fleet.confirms(200)
  await expectWholeLog(fleet)
})

const CUTS = LONG ? 500 : 60
test(`machines that are cut off from the database ${CUTS} times at any moment go on`, {
  timeout: 60_000 + CUTS * 1_000,
}, async () => {
  const fleet = await Fleet.create(server)
  const proxy = await startTcpProxy(server.port)
  for (let i = 0; i < 3; i++) fleet.add({ port: proxy.port })
  await fleet.confirms(100)
  for (let i = 0; i < CUTS; i++) {
    proxy.become('cut')
    proxy.become('pass')
    await pause((i * 37) % 200)
  }
  await fleet.confirms(200)
  await expectWholeLog(fleet)
  await proxy.stop()
})

/** Starts gates without a disk over one database, on Deno and on Node. */
async function startGates(idp: TestIssuer, more: Readonly<Record<string, string>> = {}) {
  const settings = {
    ...variables(idp),
    ...more,
    DATA_DIR: '',
    DATABASE_URL: await server.createDatabase(),
    ALLOW_NO_SPOOL: 'true',
    S3_ENDPOINT: 'http://127.0.0.1:9',
    S3_BUCKET: 'recordings',
    S3_ACCESS_KEY_ID: 'key',
    S3_SECRET_ACCESS_KEY: 'secret',
  }
  // Deno is let into a folder that does not exist, and into no other.
  return Promise.all((['deno', 'node'] as const).map(runtime => startService(runtime, '/nowhere', settings)))
}

test('gates without a disk record what any of them refuses, and answer 503 while the database is stopped', async () => {
  const idp = await createIssuer()
  const gates = await startGates(idp)
  const statuses = (path: string) =>
    Promise.all(gates.map(async ({ url }) => (await fetch(`${url}/recordings/${path}`)).status))
  expect(await statuses('rec-1')).toEqual([401, 401])
  for (const { url } of gates) expect(await denials({ url } as RunningGate, idp)).toHaveLength(2)
  await server.stop()
  expect(await statuses('rec-2')).toEqual([503, 503])
  await server.start()
  await expect.poll(() => statuses('rec-3'), { timeout: 10_000 }).toEqual([401, 401])
  for (const gate of gates) gate.kill('SIGTERM')
  expect(await Promise.all(gates.map(({ ended }) => ended))).toEqual([0, 0])
})

test('a client follows the log of a fleet through one gate, and goes on through another when that one ends', async () => {
  const idp = await createIssuer()
  const [deno, node] = await startGates(idp)
  if (deno === undefined || node === undefined) throw new Error('a gate is missing')
  const headers = { Authorization: `Bearer ${await idp.token('analyst', { roles: ['security'] })}` }
  const open = (url: string, last?: number) =>
    LiveClient.open(`${url}/console/api/records?kind=access`, headers, { last })
  const refuse = async (url: string, recording: string) =>
    void (await (await fetch(`${url}/recordings/${recording}`)).arrayBuffer())
  const client = await open(node.url)
  // What one gate records is shown by the other.
  for (let i = 0; i < 5; i++) await refuse(deno.url, `rec-${i}`)
  await expect.poll(() => client.events.length, { timeout: 10_000 }).toBe(5)
  node.kill('SIGKILL')
  await client.over
  for (let i = 5; i < 10; i++) await refuse(deno.url, `rec-${i}`)
  const next = await open(deno.url, client.last)
  await expect.poll(() => next.events.length, { timeout: 15_000 }).toBe(5)
  const began = performance.now()
  await refuse(deno.url, 'rec-10')
  await expect.poll(() => next.events.length, { timeout: 10_000, interval: 10 }).toBe(6)
  expect(performance.now() - began).toBeLessThan(2_000)
  const all = [...client.events, ...next.events].map(({ record }) => (record as AccessEvent).recording)
  expect(all).toEqual(Array.from({ length: 11 }, (_, i) => `rec-${i}`))
  await next.close()
  deno.kill('SIGTERM')
  expect(await deno.ended).toBe(0)
})

test('sinks of a fleet run on the machine that is the log, are asked on any, and leave out no record when it is killed', async () => {
  const idp = await createIssuer()
  const sink = await SinkServer.start()
  // Slower than records come, so that some are under way when the log is killed.
  sink.delay = 40
  const entry = {
    ...{ type: 'webhook', url: sink.url, secret: { secret: 'HOOK' } },
    ...{ allow_internal: true, kinds: ['access'], from: 'start' },
  }
  const HOOK = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const gates = await startGates(idp, { SINKS: JSON.stringify([entry]), HOOK })
  const token = await idp.token('analyst', { roles: ['security'] })
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }
  const ids: string[] = []
  const refuse = async (url: string) => {
    const response = await fetch(`${url}/recordings/rec-${ids.length}`)
    ids.push(((await response.json()) as { instance: string }).instance.slice(9))
  }
  for (let i = 0; i < 40; i++) for (const { url } of gates) await refuse(url)
  for (const { url } of gates) {
    const { sinks } = (await (await fetch(`${url}/console/api/sinks`, { headers })).json()) as {
      sinks: object[]
    }
    expect(sinks).toMatchObject([{ name: 'webhook', type: 'webhook', deadLetters: 0 }])
    const body = JSON.stringify({ name: 'webhook' })
    const tested = await fetch(`${url}/console/api/sinks/test`, { method: 'POST', headers, body })
    expect(await tested.json()).toEqual({ taken: true })
  }
  const [row] = await server.run(
    `SELECT application_name AS name FROM pg_locks JOIN pg_stat_activity USING (pid)
      WHERE locktype = 'advisory' AND objid = 3 AND granted`,
  )
  const log = gates.find(({ pid }) => row?.name === `mediaward ${pid}`)
  log?.kill('SIGKILL')
  expect(await log?.ended).not.toBe(0)
  const other = gates.find(one => one !== log)
  for (let i = 0; i < 20; i++) await refuse(other?.url ?? '')
  const arrived = () => {
    const records = sink.bodies.filter(({ type }) => type === 'mediaward.access')
    return [...new Set(records.map(({ data }) => (data as { id: string }).id))]
  }
  await expect.poll(() => arrived().length, { timeout: 30_000 }).toBe(ids.length)
  expect([...arrived()].sort()).toEqual([...ids].sort())
  const body = JSON.stringify({ name: 'webhook', from: 0 })
  const replayed = await fetch(`${other?.url}/console/api/sinks/replay`, { method: 'POST', headers, body })
  expect(await replayed.json()).toEqual({ from: 0 })
  other?.kill('SIGTERM')
  await other?.ended
  sink.stop()
})

const KILLS = LONG ? 200 : 8
const KILLING = { timeout: 60_000 + KILLS * 5_000 }

/** Kills machines at any moment, every other time the one that is the log, and starts them again. */
async function killSome(fleet: Fleet): Promise<void> {
  for (const runtime of ['node', 'deno', 'node'] as const) fleet.add({ runtime })
  for (let run = 0; run < KILLS; run++) {
    // The log may just have begun, or have worked for a while.
    const member = run % 2 === 0 ? await fleet.log() : fleet.members[run % 3]
    await fleet.confirms(40 + 57 * (run % 7))
    // It is killed while it puts deliveries together.
    if (run % 2 === 0) await fleet.age()
    await member?.kill()
    member?.start()
  }
}

test(
  `machines that are killed ${KILLS} times at random lose no record that was confirmed`,
  KILLING,
  async () => {
    const fleet = await Fleet.create(server)
    await killSome(fleet)
    await expectWholeLog(fleet)
  },
)

test(
  `machines that are killed ${KILLS} times at random while they archive and prune lose no record`,
  KILLING,
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
    const fleet = await Fleet.create(server, folder)
    await killSome(fleet)
    const firstLive = async () => {
      const [live] = await server.run('SELECT min(index)::int AS first FROM mediaward.event', fleet.url)
      return live?.first
    }
    await expect.poll(firstLive, { timeout: 20_000 }).toBeGreaterThan(0)
    await expectWholeLog(fleet)
    expect(readdirSync(join(folder, 'archive')).length).toBeGreaterThan(2)
  },
)
