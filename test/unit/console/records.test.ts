import { expect, test } from 'vitest'
import { memoryGate } from '../../support/memory-gate.ts'

// What may be asked of the log by the console's API.

const gate = await memoryGate()
const KNOWN = ['after', 'since', 'limit', 'latest', 'kind']

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
  ['records', 'recording=rec-1', 'recording', KNOWN],
  ['records', 'limit=5&subject=psn_1&owner=', 'subject, owner', KNOWN],
  ['records', 'LIMIT=5', 'LIMIT', KNOWN],
  // The route is for one kind already.
  ['denials', 'kind=view', 'kind', KNOWN.slice(0, 4)],
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

test('the parameters limit, kind, latest and since are accepted together, and so is an empty query', async () => {
  expect(await ask('records', 'limit=5&kind=view&latest=true&since=2026-01-01T00:00:00Z')).toEqual({
    status: 200,
  })
  expect(await ask('denials', '')).toEqual({ status: 200 })
})
