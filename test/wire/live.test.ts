import { afterAll, beforeAll, expect, test } from 'vitest'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import {
  createIssuer,
  denials,
  instanceOf,
  records,
  type TestIssuer,
  variables,
} from '../support/gate-client.ts'
import { LiveClient } from '../support/live-client.ts'

// The log as a security team asks and follows it, over real HTTP.

let gate: RunningGate
/** Of analysts who see all tenants. */
let idp: TestIssuer
/** Of patients, and of analysts of one tenant. */
let clinic: TestIssuer
let vars: Record<string, string>
let analyst: Record<string, string>

beforeAll(async () => {
  idp = await createIssuer()
  clinic = await createIssuer('https://tenants.clinic.test/')
  vars = variables(idp, clinic)
  const [staff, tenants] = JSON.parse(vars.ISSUERS ?? '[]') as [object, object]
  vars.ISSUERS = JSON.stringify([
    { ...staff, allow_all_tenants: true },
    { ...tenants, tenant_claim: 'tenant' },
  ])
  gate = await startGate({ vars })
  analyst = await idp.bearer('analyst-1', { roles: ['security'] })
})
afterAll(() => gate.stop())

const api = (path: string) => `${gate.url}/console/api/${path}`
const follow = (query = '', how = {}) => LiveClient.open(api(`records?kind=access${query}`), analyst, how)

let names = 0
/** Asks for another patient's recordings, each another one so that each has a record. Returns the ids of the refusals. */
async function refuse(times: number, tenant = 'south'): Promise<string[]> {
  const login = await clinic.bearer('patient-2', { tenant })
  const ids: string[] = []
  for (let i = 0; i < times; i += 20) {
    const answers = Array.from({ length: Math.min(20, times - i) }, async () =>
      instanceOf(await fetch(`${gate.url}/recordings/none-${++names}`, { headers: login })),
    )
    ids.push(...(await Promise.all(answers)))
  }
  return ids
}
const idsOnRecord = async () => (await denials(gate, idp)).map(({ id }) => id)

test('a stream sends a denial within a second', async () => {
  const client = await follow()
  const lags: number[] = []
  for (let i = 0; i < 7; i++) {
    const [id] = await refuse(1)
    const answered = performance.now()
    await expect.poll(() => client.ids, { timeout: 10_000, interval: 10 }).toContain(id)
    lags.push(Math.max(0, (client.events.at(-1)?.at ?? 0) - answered))
  }
  await client.close()
  // Others may have the machine for a moment.
  expect(lags.toSorted((a, b) => a - b)[3]).toBeLessThan(1_000)
})

test('two streams at once send the same records in the order of the log, each once', async () => {
  const clients = await Promise.all([follow(), follow('&reason=recording_unknown')])
  const ids = await refuse(120)
  for (const client of clients) {
    await expect.poll(() => client.ids.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(ids.length)
    expect(client.ids.toSorted()).toEqual(ids.toSorted())
    expect(client.ids).toEqual((await idsOnRecord()).filter(id => ids.includes(id)))
    await client.close()
  }
  const [one, other] = clients.map(({ events }) => events.map(({ index }) => index))
  expect(one).toEqual(other)
})

test('a client that reads nothing holds up neither the gate nor others, and misses nothing', async () => {
  const [slow, quick] = await Promise.all([follow('', { isPaused: true }), follow()])
  const ids = await refuse(500)
  await expect.poll(() => quick?.ids.length, { timeout: 20_000 }).toBe(ids.length)
  const began = performance.now()
  await refuse(1)
  expect(performance.now() - began).toBeLessThan(5_000)
  slow?.resume()
  await expect.poll(() => slow?.ids.length, { timeout: 20_000 }).toBe(ids.length + 1)
  expect(slow?.ids.slice(0, -1)).toEqual(quick?.ids.slice(0, ids.length))
  await Promise.all([slow?.close(), quick?.close()])
})

test('the stream of an analyst of one tenant sends the records of that tenant alone', async () => {
  const north = await clinic.bearer('analyst-2', { roles: ['security'], tenant: 'north' })
  const client = await LiveClient.open(api('records'), north)
  const ids: string[] = []
  for (let i = 0; i < 5; i++) {
    await refuse(3)
    ids.push(...(await refuse(1, 'north')))
  }
  await expect.poll(() => client.ids, { timeout: 10_000 }).toEqual(expect.arrayContaining(ids))
  await client.close()
  // The other one is the analyst's own look.
  expect(
    client.events.filter(({ record }) => record.kind !== 'console').map(({ record }) => record.id),
  ).toEqual(ids)
  const foreign = await fetch(api('records?tenant=south'), {
    headers: { ...north, Accept: 'text/event-stream' },
  })
  expect(foreign.status).toBe(400)
})

test('counts by minute and by hour are the numbers of records, of each reason', async () => {
  await refuse(3)
  await fetch(`${gate.url}/recordings/none`)
  const until = new Date(Date.now() + 60_000).toISOString()
  const since = new Date(Date.now() - 3_600_000).toISOString()
  const all = await denials(gate, idp)
  const expected = Map.groupBy(all, ({ reason }) => reason)
  for (const by of ['minute', 'hour']) {
    const answer = await fetch(api(`counts?by=${by}&since=${since}&until=${until}&kind=access`), {
      headers: analyst,
    })
    const sums = new Map<string, number>()
    for (const line of (await answer.text()).trim().split('\n')) {
      const { reason, count } = JSON.parse(line) as { reason: string; count: number }
      sums.set(reason, (sums.get(reason) ?? 0) + count)
    }
    expect(sums).toEqual(new Map([...expected].map(([reason, some]) => [reason, some.length])))
  }
})

test('the newest first lead back to the first record, page after page', async () => {
  await refuse(60)
  const ids: string[] = []
  let after = ''
  for (let more = true; more; ) {
    const place = after === '' ? '' : `&after=${after}`
    const page: Response = await fetch(api(`denials?order=newest&limit=17${place}`), { headers: analyst })
    const lines = (await page.text()).split('\n').slice(0, -1)
    ids.push(...lines.map(line => (JSON.parse(line) as { id: string }).id))
    after = page.headers.get('mediaward-cursor') ?? ''
    more = page.headers.has('mediaward-more')
  }
  expect(ids).toEqual((await idsOnRecord()).reverse())
})

test('each look is on record before it shows anything: lists once in ten minutes, streams each time', async () => {
  const other = await idp.bearer('analyst-3', { roles: ['security'] })
  const list = () => fetch(api('denials?recording=none-1'), { headers: other }).then(answer => answer.text())
  await list()
  await list()
  for (let i = 0; i < 2; i++) {
    await (await LiveClient.open(api('denials?reason=not_owner'), other)).close()
  }
  const since = new Date(Date.now() - 60_000).toISOString()
  await fetch(api(`counts?by=minute&since=${since}&until=${new Date().toISOString()}`), { headers: other })
  const all = await records(gate, idp, 'console')
  const own = all.filter(({ subject }) => subject === all.at(-1)?.subject)
  expect(own.map(one => ('query' in one ? { action: one.action, query: one.query } : one))).toEqual([
    { action: 'read', query: { kind: 'access', recording: 'none-1' } },
    { action: 'follow', query: { kind: 'access', reason: 'not_owner' } },
    { action: 'follow', query: { kind: 'access', reason: 'not_owner' } },
    { action: 'count', query: { since: expect.any(String), until: expect.any(String) } },
  ])
})

test('a follower goes on over a kill of the gate from its last event, without a gap and without a record twice', async () => {
  const before = await idsOnRecord()
  const received: string[] = []
  const seen: LiveClient['events'] = []
  let client = await follow()
  for (let run = 0; run < 3; run++) {
    const load = (async () => {
      for (;;) received.push(...(await refuse(20)))
    })().catch(() => {})
    const target = received.length + 60 + 30 * run
    await expect.poll(() => received.length, { timeout: 60_000, interval: 5 }).toBeGreaterThan(target)
    await gate.kill()
    await Promise.all([client.over, load])
    seen.push(...client.events)
    gate = await startGate({ vars, data: gate.data, port: gate.port })
    client = await follow('', { last: client.last })
  }
  received.push(...(await refuse(5)))
  const expected = (await idsOnRecord()).filter(id => !before.includes(id))
  await expect
    .poll(() => seen.length + client.events.length, { timeout: 20_000 })
    .toBeGreaterThanOrEqual(expected.length)
  seen.push(...client.events)
  await client.close()
  expect(seen.map(({ record }) => record.id)).toEqual(expected)
  expect(received.filter(id => !expected.includes(id))).toEqual([])
  const indexes = seen.map(({ index }) => index)
  expect(indexes).toEqual(indexes.toSorted((a, b) => a - b))
}, 200_000)

test('a gate that is stopped ends its streams, and does not wait for their clients', async () => {
  const client = await follow()
  const began = performance.now()
  await gate.stop()
  await client.over
  // Of them, the runtime's own end takes the most.
  expect(performance.now() - began).toBeLessThan(RUNTIME === 'workerd' ? 10_000 : 6_000)
  gate = await startGate({ vars, data: gate.data })
})
