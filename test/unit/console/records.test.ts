import { expect, test } from 'vitest'
import { KINDS } from '../../../src/ledger/event.ts'
import { memoryGate } from '../../support/memory-gate.ts'

// What may be asked of the log by the console's API.

const gate = await memoryGate()
const KNOWN = [
  ...['after', 'from', 'since', 'until', 'limit', 'order', 'recording', 'subject', 'owner', 'reason'],
  ...['release', 'tenant', 'kind', 'held', 'indexed'],
]
const PSEUDONYM = `psn_${'0'.repeat(32)}`

async function ask(
  route: 'records' | 'denials',
  query: string,
): Promise<{ status: number; detail?: string; instance?: string }> {
  const claims = { roles: ['security'] }
  const response = await gate.ask('analyst-1', `/console/api/${route}?${query}`, { claims })
  if (response.status === 200) return { status: 200 }
  const { detail, instance } = (await response.json()) as { detail: string; instance: string }
  return { status: response.status, detail, instance }
}

test.each([
  ['records', 'part=master.m3u8', 'part', KNOWN],
  ['records', `limit=5&session=1&issuer=${PSEUDONYM}`, 'session, issuer', KNOWN],
  ['records', 'LIMIT=5', 'LIMIT', KNOWN],
  // The route is for one kind already.
  ['denials', 'kind=view', 'kind', KNOWN.filter(name => name !== 'kind')],
] as const)(
  'a query of %s?%s is refused, and its unknown parameters are named: %s',
  async (route, query, unknown, known) => {
    const { status, detail } = await ask(route, query)
    expect(status).toBe(400)
    expect(detail).toBe(`unknown: ${unknown}. Known are ${known.join(', ')}`)
  },
)

test('the refusal of unknown parameters is short, however long their names are', async () => {
  const { detail } = await ask(
    'records',
    Array.from({ length: 20 }, (_, i) => `${i}${'x'.repeat(190)}=1`).join('&'),
  )
  expect(detail).toMatch(/^unknown: /)
  expect(detail?.length).toBeLessThan(700)
})

test('a parameter that is given twice is refused: only one of the two could count', async () => {
  expect(await ask('records', 'kind=view&kind=access')).toMatchObject({
    status: 400,
    detail: 'kind may be given once',
  })
})

test.each([
  ['name', 'patient-007=1', /patient-007/],
  ['value', 'limit=0', /limit must be/],
  ['cursor', 'after=nothing', /^after is not a cursor of this log$/],
])(
  'a query with a wrong %s is refused and recorded, and the record repeats nothing of it',
  async (_, query, said) => {
    const { status, detail, instance } = await ask('records', query)
    expect([status, detail]).toEqual([400, expect.stringMatching(said)])
    const { entries } = await gate.ledger.read({ limit: 1000 })
    const record = entries.find(({ id }) => instance === `urn:uuid:${id}`)?.json ?? '{}'
    expect(JSON.parse(record)).toMatchObject({
      kind: 'access',
      decision: 'deny',
      reason: 'query_invalid',
      status: 400,
    })
    expect(record).not.toMatch(/patient-007|limit|after|nothing/)
  },
)

test.each([
  // Read as numbers, these would be 10, 5, 16, 5, 5 and 5.
  ...['limit=1e1', 'limit=%205', 'limit=0x10', 'limit=5.0', 'limit=%2B5', 'limit=05'],
  ...['limit=', 'limit=0', 'limit=1001', 'limit=-1', 'limit=NaN'],
  // Read as times, the first three would be in March, and the next day.
  'since=2026-02-31T00:00:00Z',
  'since=2026-02-29T00:00:00Z',
  'since=2026-11-22T24:00:00Z',
  ...['since=2026-13-01T00:00:00Z', 'since=2026-11-22T10:60:00Z', 'since=2026-11-22', 'since='],
])('a query of %s is refused for its value', async query => {
  expect(await ask('records', query)).toMatchObject({
    status: 400,
    detail: expect.stringMatching(/^(limit must be from 1 to 1000|since must be a time in UTC)/),
  })
})

test.each([
  ['until', '2026-11-22', 'until must be a time in UTC as in 2026-11-22T10:24:03Z'],
  ['recording', '../rec-1', "recording must be a recording's id"],
  ['recording', '', "recording must be a recording's id"],
  [
    'subject',
    'patient-007',
    'subject must be a pseudonym: "psn_" and 32 hexadecimal digits, or up to 16 with commas between them',
  ],
  [
    'subject',
    'psn_0000',
    'subject must be a pseudonym: "psn_" and 32 hexadecimal digits, or up to 16 with commas between them',
  ],
  ['reason', 'not-owner', 'reason must be one of the reasons in docs/event.md'],
  ['kind', 'denial', `kind must be one of ${KINDS.join(', ')}, or left out`],
  ['order', 'latest', 'order must be oldest or newest, which come first, or left out'],
  [
    'owner',
    'patient-007',
    'owner must be a pseudonym: "psn_" and 32 hexadecimal digits, or up to 16 with commas between them',
  ],
  ['release', 'a b', 'release must be a release as the log has it, as in 4.12.0'],
  ['tenant', 'default', 'tenant must be the name of a tenant'],
  ['from', '-1', 'from must be an index of the log'],
  ['from', '1&after=2', 'after and from exclude each other'],
])(
  'a query of %s=%s could find nothing, and is refused without repeating the value',
  async (name, value, detail) => {
    const asked = await ask(
      'records',
      value.includes('&') ? `${name}=${value}` : new URLSearchParams({ [name]: value }).toString(),
    )
    expect(asked).toMatchObject({ status: 400, detail })
  },
)

test('each filter lists only the records that it asks for, and several narrow the list further', async () => {
  const own = await memoryGate()
  const claims = { roles: ['security'] }
  await own.ask('patient-2', '/recordings/rec-1')
  await own.ask('patient-2', '/recordings/rec-2')
  await own.fetch('/recordings/rec-1')
  const all = await own.events()
  const [first] = all
  const listed = async (query: Record<string, string>) => {
    const path = `/console/api/records?${new URLSearchParams(query)}`
    const lines = (await (await own.ask('analyst-1', path, { claims })).text()).split('\n').slice(0, -1)
    return lines.map(line => (JSON.parse(line) as { id: string }).id)
  }
  const ids = (...indexes: number[]) => indexes.map(index => all[index]?.id)
  const subject = first?.subject ?? ''
  expect(all.map(({ reason }) => reason)).toEqual(['not_owner', 'recording_unknown', 'token_missing'])
  expect(await listed({ recording: 'rec-1' })).toEqual(ids(0, 2))
  expect(await listed({ subject })).toEqual(ids(0, 1))
  expect(await listed({ reason: 'token_missing' })).toEqual(ids(2))
  expect(await listed({ subject, recording: 'rec-1', kind: 'access' })).toEqual(ids(0))
  expect(await listed({ kind: 'view' })).toEqual([])
  expect(await listed({ until: first?.recorded ?? '' })).toEqual([])
  const times = { until: '2100-01-01T00:00:00Z', since: first?.recorded ?? '' }
  expect(await listed({ ...times, kind: 'access' })).toEqual(ids(0, 1, 2))
  expect(await listed({ kind: 'access', from: '1' })).toEqual(ids(1, 2))
  expect(await listed({ kind: 'access', order: 'newest', limit: '2' })).toEqual(ids(2, 1))
})

test.each([
  'limit=1',
  'limit=1000',
  'since=2024-02-29T00:00:00Z',
  'since=2026-11-22T10:24:03.5Z',
  'since=2026-12-31T23:59:59.999Z',
])('a query of %s is accepted', async query => {
  expect(await ask('records', query)).toEqual({ status: 200 })
})

test('a query of more than 4096 characters is refused unread', async () => {
  const filled = (length: number) => `after=${'x'.repeat(length - 'after='.length)}`
  expect((await ask('records', filled(4096))).detail).toBe('after is not a cursor of this log')
  expect(await ask('records', filled(4097))).toMatchObject({
    status: 400,
    detail: 'The query must be at most 4096 characters long',
  })
})

test('a query of 400,000 parameters is refused within a second of CPU time', async () => {
  // On Node, reading its parameters takes quadratic time.
  const query = '%61&'.repeat(400_000)
  const before = process.cpuUsage()
  expect((await ask('records', query)).status).toBe(400)
  const { user, system } = process.cpuUsage(before)
  expect(user + system).toBeLessThan(1_000_000)
})

test('the parameters limit, kind, order and since are accepted together, and so is an empty query', async () => {
  expect(await ask('records', 'limit=5&kind=view&order=newest&since=2026-01-01T00:00:00Z')).toEqual({
    status: 200,
  })
  expect(await ask('denials', '')).toEqual({ status: 200 })
})
