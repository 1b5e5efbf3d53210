import { afterAll, beforeAll, expect, test } from 'vitest'
import { RUNTIME, type RunningGate, startGate } from '../support/gate.ts'
import { createIssuer, denials, records, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { readOpenMetrics } from '../support/openmetrics.ts'

// What an operator's tools ask a gate.

const TOKEN = 'pLxvGq1m9Yt4Z7Rk2Wc8Nd5Bs0Hj3Ff6'
/** On Workers the figures are those of the log, elsewhere those of the process. */
const SOURCE = RUNTIME === 'workerd' ? 'log' : 'process'
let gate: RunningGate
let idp: TestIssuer

beforeAll(async () => {
  idp = await createIssuer()
  gate = await startGate({ vars: { ...variables(idp), METRICS_TOKEN: TOKEN } })
})
afterAll(() => gate.stop())

const scrape = (token = TOKEN) =>
  fetch(`${gate.url}/console/api/metrics`, { headers: { Authorization: `Bearer ${token}` } })

test('/readyz says ready, however many ask at once, and leaves no record', async () => {
  const before = (await denials(gate, idp)).length
  const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(`${gate.url}/readyz`)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(new Set(await Promise.all(answers.map(answer => answer.text())))).toEqual(new Set(['ready']))
  const head = await fetch(`${gate.url}/readyz`, { method: 'HEAD' })
  expect([head.status, head.headers.get('cache-control')]).toEqual([200, 'private, no-store'])
  expect((await denials(gate, idp)).length).toBe(before)
})

test('a scrape has what happened, by reason, and names no person, recording or URL', async () => {
  expect((await store(gate, idp, '/recordings/consult-1', 'patient-1', 'x'.repeat(1000))).status).toBe(201)
  const owner = await idp.bearer('patient-1')
  expect((await fetch(`${gate.url}/recordings/consult-1`, { headers: owner })).status).toBe(200)
  const other = await idp.bearer('patient-2')
  expect((await fetch(`${gate.url}/recordings/consult-1`, { headers: other })).status).toBe(404)
  // The log has given them an index then.
  expect((await denials(gate, idp)).at(-1)).toMatchObject({ reason: 'not_owner' })

  const response = await scrape()
  const text = await response.text()
  expect([response.status, response.headers.get('content-type')]).toEqual([
    200,
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  ])
  const samples = readOpenMetrics(text)
  expect(samples.get('mediaward_refusals_total{stage="policy",reason="not_owner"}')).toBe(1)
  expect(samples.get('mediaward_records_total{kind="view"}')).toBe(1)
  expect(samples.get('mediaward_spool_records')).toBe(0)
  expect(samples.get('mediaward_lost_records_total')).toBe(0)
  expect(samples.get(`mediaward_source_up{source="${SOURCE}"}`)).toBe(1)
  const isAnswered = [...samples.keys()].some(name => name.startsWith('mediaward_request_duration_seconds'))
  expect(isAnswered).toBe(SOURCE === 'process')
  expect(samples.get('mediaward_log_lag_seconds')).toEqual(SOURCE === 'log' ? expect.any(Number) : undefined)
  for (const name of ['patient', 'psn_', 'consult-1', '://', idp.issuer]) expect(text).not.toContain(name)
  expect(await records(gate, idp, 'console')).not.toContainEqual(
    expect.objectContaining({ action: 'metrics' }),
  )
})

test('a wrong token for scrapers is refused and on record, and the right one opens nothing else', async () => {
  const wrong = await scrape(`${TOKEN.slice(0, -1)}7`)
  expect([wrong.status, (await wrong.text()).includes('# EOF')]).toEqual([401, false])
  const headers = { Authorization: `Bearer ${TOKEN}` }
  for (const path of ['/recordings/consult-1', '/console/api/records']) {
    expect((await fetch(gate.url + path, { headers })).status).toBe(401)
  }
  expect((await denials(gate, idp)).slice(-3).map(({ reason }) => reason)).toEqual([
    'token_malformed',
    'token_malformed',
    'token_malformed',
  ])
  expect(gate.said()).not.toContain(TOKEN)
})

test('an analyst who reads the metrics leaves a record of the look', async () => {
  const headers = await idp.bearer('analyst-1', { roles: ['security'] })
  const response = await fetch(`${gate.url}/console/api/metrics`, { headers })
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('\n# EOF\n')])
  expect(await records(gate, idp, 'console')).toContainEqual(expect.objectContaining({ action: 'metrics' }))
})
