import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { eventId } from '../../../src/ledger/event-id.ts'
import { ProcessMetrics } from '../../../src/metrics/process-metrics.ts'
import { createMemoryLedger, createMemorySpool } from '../../../src/runtime/memory/index.ts'
import type { SinkControl } from '../../../src/sinks/control.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { readOpenMetrics } from '../../support/openmetrics.ts'

const TOKEN = 'pLxvGq1m9Yt4Z7Rk2Wc8Nd5Bs0Hj3Ff6'
const security = { claims: { roles: ['security'] } }
const scrape = { headers: { Authorization: `Bearer ${TOKEN}` } }
const said = vi.spyOn(console, 'error')
let gate: MemoryGate

const open = async (options: Parameters<typeof memoryGate>[0] = {}) => {
  gate = await memoryGate({ metricsToken: TOKEN, health: true, ...options })
  return gate
}
const read = async () => readOpenMetrics(await (await gate.fetch('/console/api/metrics', scrape)).text())
const refusals = (stage: string, reason: string) =>
  `mediaward_refusals_total{stage="${stage}",reason="${reason}"}`

beforeEach(async () => {
  said.mockClear().mockReturnValue()
  await open()
})
afterEach(() => vi.useRealTimers())

describe('who may read the metrics', () => {
  test('the token of a scraper opens them and leaves no record', async () => {
    const response = await gate.fetch('/console/api/metrics', scrape)
    expect([
      response.status,
      response.headers.get('content-type'),
      response.headers.get('cache-control'),
    ]).toEqual([...[200, 'application/openmetrics-text; version=1.0.0; charset=utf-8'], 'private, no-store'])
    expect(await response.text()).toContain('mediaward_info{version="')
    expect(await gate.events()).toEqual([])
  })

  test.each([
    '/recordings/rec-1',
    '/console/api/records',
    '/console/api/denials',
    '/console/api/counts?by=hour&since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z',
    '/console/api/metrics/',
  ])('the token of a scraper opens nothing else: %s', async path => {
    expect((await gate.fetch(path, scrape)).status).toBeGreaterThanOrEqual(400)
    expect(await gate.events('access')).toHaveLength(1)
    expect(JSON.stringify(await gate.events())).not.toContain(TOKEN)
  })

  test.each([
    ['another one', `Bearer ${TOKEN.slice(0, -1)}7`],
    ['a part of it', `Bearer ${TOKEN.slice(0, -1)}`],
    ['more than it', `Bearer ${TOKEN}A`],
    ['another scheme', `DPoP ${TOKEN}`],
    ['none', undefined],
  ])('a wrong token is a refusal on record: %s', async (_, authorization) => {
    const headers = authorization === undefined ? {} : { Authorization: authorization }
    const response = await gate.fetch('/console/api/metrics', { headers })
    expect([response.status, await response.text()]).toEqual([401, expect.not.stringContaining('# EOF')])
    expect(await gate.events('access')).toHaveLength(1)
  })

  test('a token in the query is refused even beside the right one', async () => {
    const response = await gate.fetch(`/console/api/metrics?access_token=${TOKEN}`, scrape)
    expect(response.status).toBe(401)
    expect(await gate.events('access')).toMatchObject([{ reason: 'token_in_query' }])
  })

  test('without a token for scrapers, no string is one', async () => {
    await open({ metricsToken: undefined })
    expect((await gate.fetch('/console/api/metrics', scrape)).status).toBe(401)
    expect(
      (await gate.fetch('/console/api/metrics', { headers: { Authorization: 'Bearer undefined' } })).status,
    ).toBe(401)
  })

  test('an analyst of all tenants reads them, and that is on record; a patient does not', async () => {
    const response = await gate.ask('analyst-1', '/console/api/metrics', security)
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('# EOF\n')])
    expect(await gate.events('console')).toMatchObject([{ action: 'metrics', query: {} }])
    expect((await gate.ask('patient-1', '/console/api/metrics')).status).toBe(404)
    const post = await gate.ask('analyst-1', '/console/api/metrics', { ...security, method: 'POST' })
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, OPTIONS'])
  })

  test('an analyst of one tenant does not read them, as they are of all', async () => {
    const { idp } = gate
    await open({ issuers: [{ ...idp.entry(), tenant_claim: 'tenant' }] })
    const claims = { roles: ['security'], tenant: 'north' }
    const headers = await idp.bearer('analyst-1', claims)
    const response = await gate.fetch('/console/api/metrics', { headers })
    expect(response.status).toBe(404)
    expect(await gate.events('access')).toMatchObject([{ reason: 'tenant_mismatch' }])
  })

  test('nothing is shown to an analyst whose look can not be recorded', async () => {
    const ledger = createMemoryLedger()
    await open({ ledger: { ...ledger, append: () => Promise.reject(new Error('full')) } })
    const response = await gate.ask('analyst-1', '/console/api/metrics', security)
    expect([response.status, await response.text()]).toEqual([503, expect.not.stringContaining('# EOF')])
  })
})

describe.each(['process', 'log'] as const)('figures of the %s', source => {
  const counting = () => (source === 'process' ? { metrics: new ProcessMetrics() } : {})

  beforeEach(async () => {
    await open(counting())
  })

  test('every reason and kind begins at 0, so that the first one is an increase', async () => {
    const samples = await read()
    expect(samples.get(refusals('policy', 'not_owner'))).toBe(0)
    expect(samples.get('mediaward_records_total{kind="view"}')).toBe(0)
    expect(samples.get('mediaward_lost_records_total')).toBe(0)
  })

  test('refusals count by stage and reason, records by kind, bytes when their record is stored', async () => {
    await gate.ask('patient-2', '/recordings/rec-1')
    await gate.fetch('/recordings/rec-1')
    expect((await (await gate.ask('patient-1', '/recordings/rec-1')).arrayBuffer()).byteLength).toBe(3000)
    await gate.flush()
    const samples = await read()
    expect(samples.get(refusals('policy', 'not_owner'))).toBe(1)
    expect(samples.get(refusals('credential', 'token_missing'))).toBe(1)
    expect(samples.get('mediaward_records_total{kind="access"}')).toBe(2)
    expect(samples.get('mediaward_records_total{kind="view"}')).toBe(1)
    expect(samples.get('mediaward_delivered_bytes_total')).toBe(3000)
    expect(samples.get(`mediaward_source_up{source="${source}"}`)).toBe(1)
  })

  test('a refusal that stands for others counts as many', async () => {
    // The first three and the one that stands for the rest have records of their own.
    const headers = await gate.idp.bearer('patient-2')
    for (let i = 0; i < 10; i++) await gate.fetch('/recordings/rec-1', { headers })
    await gate.flush()
    const samples = await read()
    expect(samples.get(refusals('policy', 'not_owner'))).toBe(10)
    expect(samples.get('mediaward_records_total{kind="access"}')).toBeLessThan(10)
  })

  test('a flood counts every refusal, and those that it sums up apart', async () => {
    await open({ ...counting(), network: () => ({ ip: '203.0.113.5' }) })
    await Promise.all(Array.from({ length: 400 }, (_, i) => gate.fetch(`/recordings/made-up-${i}`)))
    await gate.flush()
    const samples = await read()
    expect(samples.get(refusals('credential', 'token_missing'))).toBe(400)
    const summed = samples.get('mediaward_summed_refusals_total') ?? 0
    const records = samples.get('mediaward_records_total{kind="access"}') ?? 0
    // One record sums up, all others are of one refusal each.
    expect(summed).toBeGreaterThan(90)
    expect(summed + records - 1).toBe(400)
  })

  test('no label names a person, a recording, a network or a URL', async () => {
    await open({ ...counting(), network: () => ({ ip: '203.0.113.5' }) })
    await gate.ask('patient-2', '/recordings/rec-1')
    await (await gate.ask('patient-1', '/recordings/rec-1')).arrayBuffer()
    await gate.flush()
    const text = await (await gate.fetch('/console/api/metrics', scrape)).text()
    for (const name of ['patient', 'psn_', 'rec-1', '203.0.113', '://', gate.idp.issuer, TOKEN]) {
      expect(text).not.toContain(name)
    }
  })
})

describe('figures of one process', () => {
  beforeEach(async () => {
    await open({ metrics: new ProcessMetrics() })
  })

  test('requests count by outcome, their time by method, health checks and scrapes not at all', async () => {
    await gate.ask('patient-1', '/recordings/rec-1')
    await gate.fetch('/recordings/rec-1', { method: 'QUERY' })
    for (const path of ['/healthz', '/readyz']) await gate.fetch(path)
    const samples = await read()
    expect(samples.get('mediaward_requests_total{outcome="answered"}')).toBe(1)
    expect(samples.get('mediaward_requests_total{outcome="refused"}')).toBe(1)
    expect(samples.get('mediaward_requests_total{outcome="failed"}')).toBe(0)
    const durations = 'mediaward_request_duration_seconds'
    expect(samples.get(`${durations}_count{outcome="answered",method="GET"}`)).toBe(1)
    expect(samples.get(`${durations}_bucket{outcome="answered",method="GET",le="+Inf"}`)).toBe(1)
    expect(samples.get(`${durations}_count{outcome="refused",method="other"}`)).toBe(1)
  })

  test('a fault of the gate counts as failed, and its lost record as lost', async () => {
    const ledger = createMemoryLedger()
    await open({
      metrics: new ProcessMetrics(),
      ledger: { ...ledger, append: () => Promise.reject(new Error('full')) },
      onUnrecorded: () => {},
    })
    await gate.ask('patient-1', '/recordings/rec-1')
    const samples = await read()
    expect(samples.get('mediaward_requests_total{outcome="failed"}')).toBe(1)
    // The view, and the refusal that its failure led to.
    expect(samples.get('mediaward_lost_records_total')).toBeGreaterThanOrEqual(2)
  })

  test('a request takes the time by the clock of the gate, and one above all bounds is in the last bucket', async () => {
    let time = 1_800_000_000_000
    await open({
      metrics: new ProcessMetrics(),
      now: () => time,
      network() {
        time += 12_000
        return {}
      },
    })
    await gate.fetch('/recordings/rec-1')
    const samples = await read()
    const labels = 'outcome="refused",method="GET"'
    expect(samples.get(`mediaward_request_duration_seconds_bucket{${labels},le="10.0"}`)).toBe(0)
    expect(samples.get(`mediaward_request_duration_seconds_bucket{${labels},le="+Inf"}`)).toBe(1)
    expect(samples.get(`mediaward_request_duration_seconds_sum{${labels}}`)).toBe(12)
  })

  test('fetches of keys count by the name of the entry, or by its place', async () => {
    const { idp } = gate
    const { jwks } = idp.entry()
    const remote = { ...idp.entry(), jwks: async () => jwks as never }
    const down = () => Promise.reject(new Error('down'))
    await open({
      metrics: new ProcessMetrics(),
      issuers: [remote, { ...idp.entry(), issuer: 'https://staff.test', name: 'staff', jwks: down }],
    })
    await gate.fetch('/recordings/rec-1', { headers: await idp.bearer('patient-1') })
    await gate.fetch('/readyz')
    const samples = await read()
    expect([...samples].filter(([name]) => name.startsWith('mediaward_key_fetches'))).toEqual([
      ['mediaward_key_fetches_total{entry="ISSUERS[0]",outcome="loaded"}', 1],
      ['mediaward_key_fetches_total{entry="ISSUERS[0]",outcome="failed"}', 0],
      ['mediaward_key_fetches_total{entry="staff",outcome="loaded"}', 0],
      ['mediaward_key_fetches_total{entry="staff",outcome="failed"}', 1],
    ])
  })
})

test('says how far each sink is', async () => {
  const well = { type: 'splunk', index: 0, behind: 12, behind_s: 40, deadLetters: 3, dead: [] } as const
  const sinkControl = { list: async () => [{ name: 'siem', ...well }] } as unknown as SinkControl
  await open({ sinkControl })
  expect(Object.fromEntries(await read())).toMatchObject({
    'mediaward_sink_behind_records{sink="siem"}': 12,
    'mediaward_sink_behind_seconds{sink="siem"}': 40,
    'mediaward_sink_dead_letters{sink="siem"}': 3,
    'mediaward_source_up{source="sinks"}': 1,
  })
})

describe('what is on its way into the log', () => {
  test('the spool says how much waits and for how long', async () => {
    const spool = createMemorySpool()
    const [now, before] = [1_800_000_060_000, 1_800_000_000_000]
    await open({ ledger: { ...createMemoryLedger(), spool }, now: () => now })
    const empty = await read()
    expect([empty.get('mediaward_spool_records'), empty.get('mediaward_spool_age_seconds')]).toEqual([0, 0])
    for (const time of [before, now]) await spool.keep({ id: eventId(time), json: '{}' })
    const waiting = await read()
    expect([waiting.get('mediaward_spool_records'), waiting.get('mediaward_spool_age_seconds')]).toEqual([
      2, 60,
    ])
  })

  test('a ledger that gives the index later says how far it is behind', async () => {
    await open({ ledger: { ...createMemoryLedger(), lag: async () => 1_500, archiveLag: async () => 7_000 } })
    expect((await read()).get('mediaward_log_lag_seconds')).toBe(1.5)
    expect((await read()).get('mediaward_archive_lag_seconds')).toBe(7)
  })

  test('a source that fails is left out, and the others are there', async () => {
    const ledger = { ...createMemoryLedger(), count: () => Promise.reject(new Error('patient-007')) }
    await open({ ledger })
    const samples = await read()
    expect(samples.get('mediaward_source_up{source="log"}')).toBe(0)
    expect([...samples.keys()].some(name => name.startsWith('mediaward_records'))).toBe(false)
    expect([...samples.keys()].some(name => name.startsWith('mediaward_info'))).toBe(true)
    expect(said.mock.calls.join()).toContain('the metrics lack log')
    expect(said.mock.calls.join()).not.toContain('patient-007')
  })
})
