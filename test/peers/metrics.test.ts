import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunningGate } from '../support/gate.ts'
import { createIssuer, store, type TestIssuer, variables } from '../support/gate-client.ts'
import { METRIC_FAMILIES } from '../support/openmetrics.ts'
import { type Service, startService } from '../support/service.ts'

// Prometheus itself, and the parser of its Python client, which holds the specification of OpenMetrics.

const TOKEN = 'pLxvGq1m9Yt4Z7Rk2Wc8Nd5Bs0Hj3Ff6'
const PORT = 20_000 + Math.floor(Math.random() * 10_000)
const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
const PAGE = readFileSync('docs/operating.md', 'utf8')
let service: Service
let idp: TestIssuer
let prometheus: ReturnType<typeof spawn>

beforeAll(async () => {
  idp = await createIssuer()
  service = await startService('node', join(folder, 'data'), { ...variables(idp), METRICS_TOKEN: TOKEN })
  await store({ url: service.url } as RunningGate, idp, '/recordings/consult-1', 'patient-1', 'x')
  await fetch(`${service.url}/recordings/consult-1`, { headers: await idp.bearer('patient-2') })
  const [, documented = ''] = /```yaml\n(scrape_configs:[\s\S]*?)```/.exec(PAGE) ?? []
  const [, rules = ''] = /```yaml\n(groups:[\s\S]*?)```/.exec(PAGE) ?? []
  writeFileSync(join(folder, 'token'), TOKEN)
  writeFileSync(join(folder, 'rules.yml'), rules)
  const scrapes = documented
    .replace('scheme: https', 'scheme: http')
    .replace('/etc/prometheus/mediaward-token', join(folder, 'token'))
    .replace('media.clinic.example', new URL(service.url).host)
  const config = `global: { scrape_interval: 1s }\nrule_files: [rules.yml]\n${scrapes}`
  writeFileSync(join(folder, 'prometheus.yml'), config)
  const flags = {
    'config.file': join(folder, 'prometheus.yml'),
    'storage.tsdb.path': join(folder, 'tsdb'),
    'web.listen-address': `127.0.0.1:${PORT}`,
  }
  const args = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
  prometheus = spawn('prometheus', args, { stdio: 'ignore' })
})
afterAll(async () => {
  prometheus.kill('SIGKILL')
  service.kill('SIGTERM')
  await service.ended
})

interface Found {
  readonly data: {
    readonly result: readonly { readonly metric: object; readonly value: readonly [number, string] }[]
  }
}

async function query(expression: string): Promise<Found['data']['result']> {
  const url = `http://127.0.0.1:${PORT}/api/v1/query?query=${encodeURIComponent(expression)}`
  const response = await fetch(url).catch(() => undefined)
  return response?.ok ? ((await response.json()) as Found).data.result : []
}

test('Prometheus scrapes a gate with the settings of the documentation', async () => {
  const asked = 'mediaward_refusals_total{job="mediaward",stage="policy",reason="not_owner"}'
  let found: Found['data']['result'] = []
  for (let i = 0; i < 100 && found.length === 0; i++) {
    await sleep(200)
    found = await query(asked)
  }
  expect(found.map(({ value }) => value[1])).toEqual(['1'])
  // As OpenMetrics: in the older format, `info` is no type.
  const url = `http://127.0.0.1:${PORT}/api/v1/metadata?metric=mediaward`
  expect(await (await fetch(url)).json()).toMatchObject({ data: { mediaward: [{ type: 'info' }] } })
})

test('promtool takes the alerts of the documentation', () => {
  const said = execFileSync('promtool', ['check', 'rules', join(folder, 'rules.yml')], { encoding: 'utf8' })
  expect(said).toMatch(/SUCCESS: 1[0-9] rules found/)
})

test('the parser of the Python client takes a scrape, and refuses what is not OpenMetrics', async () => {
  const headers = { Authorization: `Bearer ${TOKEN}` }
  const text = await (await fetch(`${service.url}/console/api/metrics`, { headers })).text()
  const program = `
import sys, json
from prometheus_client.openmetrics.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
print(json.dumps([[f.name, f.type] for f in families]))`
  const parse = (input: string) =>
    JSON.parse(execFileSync('/usr/bin/python3', ['-c', program], { input, encoding: 'utf8', stdio: 'pipe' }))
  const known = METRIC_FAMILIES.map(([name, type]) => [name, type])
  expect(known).toEqual(expect.arrayContaining(parse(text)))
  expect(parse(text).length).toBeGreaterThan(8)
  for (const damaged of [
    text.replace('# EOF\n', ''),
    text.replace('mediaward_requests_total{', 'mediaward_requests{'),
    text.replace('mediaward_lost_records_total 0', 'mediaward_lost_records_total -1'),
    text.replace('le="+Inf"', 'le="11.0"'),
    text.replace('# TYPE mediaward_requests counter', '# TYPE mediaward_requests counted'),
  ]) {
    expect(damaged).not.toBe(text)
    expect(() => parse(damaged)).toThrow()
  }
})
