import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { exportFormat } from '../../../src/cli/log/export-formats.ts'
import type { Ledger } from '../../../src/index.ts'
import type { LedgerPage } from '../../../src/ledger/ledger.ts'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { run } from '../../support/command.ts'
import { faultsOf } from '../../support/fhir-profiles.ts'
import { DEPLOYMENT, ENTRIES } from '../../support/log-entries.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { SCHEMAS_PRESENT } from '../../support/rendering.ts'

// Runs `mediaward log export` against a gate in this process.

let server: Server
let gate: MemoryGate
let at: string[]
/** Has the gate fail at this request of a page, from 1; 0 for none. */
let failing = 0
let asked = 0
const ids = ENTRIES.map((_, i) => `01a20657-1d65-70a8-a1f9-${`${i}`.padStart(12, '0')}`)
const stored = ENTRIES.map(({ event }, i) => ({
  id: ids[i] ?? '',
  json: JSON.stringify({ ...event, id: ids[i] }),
}))

/** A ledger of which the first 300 records are in the archive, and whose pages have 100 records at most. */
function archived(ledger: Ledger): Ledger {
  return {
    ...ledger,
    async read(query) {
      const page: LedgerPage = await ledger.read({ ...query, limit: Math.min(query.limit, 100) })
      return (page.entries[0]?.index ?? 300) < 300 ? { ...page, archived: true } : page
    },
  }
}

beforeEach(async () => {
  failing = asked = 0
  const ledger = createMemoryLedger()
  await ledger.append(stored)
  gate = await memoryGate({ ledger: archived(ledger) })
  server = createServer(async ({ url = '/', headers: { authorization = '' } }, response) => {
    asked += 1
    if (asked === failing) {
      response.writeHead(503).end()
      return
    }
    const answer = await gate.fetch(url, { headers: { authorization } })
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const token = await gate.idp.token('analyst-1', { roles: ['security'] })
  at = ['--url', `http://127.0.0.1:${(server.address() as AddressInfo).port}`, '--token', token]
})
afterEach(() => server.close())

const exported = (...args: string[]) => run(['log', 'export', ...args, ...at])
/** Leaves out the record that says that an analyst has looked. */
const UNTIL = ['--until', '2026-11-24']

/** Parses CSV as RFC 4180 2 defines it; throws if it is anything else. */
function parseCsv(csv: string): string[][] {
  const rows: string[][] = []
  let rest = csv
  while (rest !== '') {
    const row: string[] = []
    for (;;) {
      const [all, quoted, plain = ''] =
        /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(?=,|\r\n)/.exec(rest) ??
        expect.fail(`no cell: ${rest.slice(0, 80)}`)
      row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'))
      rest = rest.slice(all.length)
      const isEnd = rest.startsWith('\r\n')
      rest = rest.slice(isEnd ? 2 : 1)
      if (isEnd) break
    }
    rows.push(row)
  }
  return rows
}

test('an export has every record once, byte for byte, with its index, and says how many were in the archive', async () => {
  const { stdout, stderr, code } = await exported(...UNTIL)
  expect(stdout.split('\n').slice(0, -1)).toEqual(
    stored.map(({ json }, index) => `{"index":${index},"record":${json}}`),
  )
  expect(code).toBe(0)
  expect(stderr).toMatch(
    new RegExp(`^${stored.length} records, 300 of them from the archive; what comes later: --after \\d+\n$`),
  )
})

test('an export that breaks off says where to go on, and the two together are the whole', async () => {
  failing = 4
  const first = await exported('--format', 'csv', ...UNTIL)
  expect(first.code).toBe(1)
  const [, count, cursor = ''] =
    /^(\d+) records are written; go on with --after (\d+)$/m.exec(first.stderr) ?? []
  expect(count).toBe('300')
  const second = await exported('--format', 'csv', '--after', cursor, ...UNTIL)
  const rows = parseCsv(first.stdout + second.stdout)
  expect(rows.slice(1).map(([index]) => Number(index))).toEqual(stored.map((_, i) => i))
})

test('CSV has a line of names, and in each row the members and the whole record', async () => {
  const { stdout } = await exported('--format', 'csv', ...UNTIL)
  const [names = [], ...rows] = parseCsv(stdout)
  expect(rows).toHaveLength(stored.length)
  expect(names[0]).toBe('index')
  expect(names.at(-1)).toBe('record')
  for (const [i, row] of rows.entries()) {
    expect(row).toHaveLength(names.length)
    expect(row.at(-1)).toBe(stored[i]?.json)
    const event = JSON.parse(stored[i]?.json ?? '')
    const cell = (name: string) => row[names.indexOf(name)]
    expect([cell('kind'), cell('reason'), cell('net.asn')]).toEqual([
      event.kind,
      event.reason ?? '',
      `${event.net?.asn ?? ''}`,
    ])
  }
})

test.each([
  '=cmd|calc',
  '+1',
  '-1',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '\n=1',
  '＝1',
  '"=1"',
  'a,b\r\nc',
  ' =1',
  'plain',
])('no cell that says %j is a formula, and its value can be read', value => {
  const event = { ...ENTRIES[0]?.event, release: value, kind: 'access' } as never
  const facts = { deployment: DEPLOYMENT, isContinued: false, time: '2026-11-24T00:00:00.000Z' }
  const format = exportFormat('csv', facts)
  const [names = [], row = []] = parseCsv(
    format.head + format.record({ index: 1, json: JSON.stringify(event), event }, true),
  )
  const cell = row[names.indexOf('release')]
  expect(cell?.replace(/^'/, '')).toBe(value)
  for (const one of row) expect(one).not.toMatch(/^[=+\-@\t\r\n＝＋－＠]/)
})

test.skipIf(!SCHEMAS_PRESENT)(
  'FHIR is a Bundle of AuditEvents that the profiles accept, also if it breaks off',
  async () => {
    for (const broken of [0, 3]) {
      failing = broken
      asked = 0
      const { stdout } = await exported('--format', 'fhir', ...UNTIL)
      const bundle = JSON.parse(stdout)
      expect(bundle).toMatchObject({ resourceType: 'Bundle', type: 'collection' })
      expect(bundle.entry).toHaveLength(broken === 0 ? stored.length : 200)
      for (const [i, { fullUrl, resource }] of bundle.entry.entries()) {
        expect(fullUrl).toBe(`urn:uuid:${ids[i]}`)
        expect(resource.resourceType).toBe('AuditEvent')
        expect(faultsOf(resource)).toEqual([])
      }
    }
  },
)

test('an empty export is valid in every format', async () => {
  const none = ['--until', '2020-01-01']
  expect((await exported(...none)).stdout).toBe('')
  expect(parseCsv((await exported('--format', 'csv', ...none)).stdout)).toHaveLength(1)
  expect(JSON.parse((await exported('--format', 'fhir', ...none)).stdout)).not.toHaveProperty('entry')
})

test('an unknown format is a mistake, and nothing is asked', async () => {
  const { code, stderr } = await exported('--format', 'xml')
  expect([code, asked]).toEqual([2, 0])
  expect(stderr).toContain('use one of ndjson, csv, fhir')
})
