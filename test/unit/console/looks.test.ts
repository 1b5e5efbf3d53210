import { beforeEach, describe, expect, test, vi } from 'vitest'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// The watchers are watched: whoever looks at the log leaves a record of it.

const claims = { roles: ['security'] }
let gate: MemoryGate

beforeEach(async () => {
  gate = await memoryGate()
})
const look = (query: string, who = 'analyst-1') => gate.ask(who, `/console/api/${query}`, { claims })
const looks = async () =>
  (await gate.events('console')).map(({ action, query, rows }) => ({ action, query, rows }))

test('a look at the log is on record before its first record leaves: who, what was asked, how many rows', async () => {
  await gate.ask('patient-2', '/recordings/rec-1')
  const [refusal] = await gate.events('access')
  const text = await (await look('records?recording=rec-1&kind=access')).text()
  expect(text.split('\n')).toHaveLength(2)
  const [record] = await gate.events('console')
  expect(record).toMatchObject({
    kind: 'console',
    decision: 'permit',
    action: 'read',
    query: { recording: 'rec-1', kind: 'access' },
    rows: 1,
    subject: expect.stringMatching(/^psn_/),
    roles: ['security'],
  })
  // The analyst looked; the patient is in the record that was looked at.
  expect(record?.subject).not.toBe(refusal?.subject)
})

test('nothing of the log is shown if the look at it can not be recorded', async () => {
  const ledger = createMemoryLedger()
  const error = vi.spyOn(console, 'error').mockReturnValue()
  gate = await memoryGate({ ledger: { ...ledger, append: () => Promise.reject(new Error('full')) } })
  await ledger.append([{ id: 'a', json: '{"id":"a","kind":"access"}' }])
  for (const query of [
    'records',
    'denials',
    'counts?by=hour&since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z',
  ]) {
    const response = await look(query)
    expect([response.status, await response.text()]).toEqual([503, expect.not.stringContaining('"id":"a"')])
  }
  error.mockRestore()
})

test('the same look of one caller is on record once in ten minutes, whatever page it asks for', async () => {
  await look('records?recording=rec-1')
  await look('records?recording=rec-1&limit=1')
  await look('records?recording=rec-1&after=0')
  expect(await looks()).toHaveLength(1)
  await look('records?recording=rec-2')
  await look('records?recording=rec-1', 'analyst-2')
  await look('denials?recording=rec-1')
  await look('counts?by=hour&since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z')
  expect(await looks()).toHaveLength(5)
})

test('an analyst who reads the log in bulk leaves a record of it for each ten thousand rows', async () => {
  for (let i = 0; i < 25; i++) {
    await gate.ledger.append(
      Array.from({ length: 1_000 }, (_, n) => {
        const id = `${i}-${n}`
        return {
          id,
          json: JSON.stringify({ id, kind: 'access', recording: 'rec-1', t: '2026-11-23T00:00:00.000Z' }),
        }
      }),
    )
  }
  for (let after = 0; after < 25_000; after += 1_000) {
    await look(`records?recording=rec-1&limit=1000&after=${after}`)
  }
  expect((await looks()).map(({ rows }) => rows)).toEqual([1_000, 10_000, 10_000])
  // A page that polls is shown the same again.
  for (let i = 0; i < 25; i++) await look('records?recording=rec-1&limit=1000', 'analyst-2')
  expect(await looks()).toHaveLength(4)
})

test('a look is on record again after ten minutes', async () => {
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    gate = await memoryGate({ now: () => Date.now() })
    await look('records')
    vi.setSystemTime(Date.now() + 9 * 60_000)
    await look('records')
    expect(await looks()).toHaveLength(1)
    vi.setSystemTime(Date.now() + 2 * 60_000)
    await look('records')
    expect(await looks()).toHaveLength(2)
  } finally {
    vi.useRealTimers()
  }
})

describe('counts', () => {
  test('are JSON lines by minute or hour, kind and reason', async () => {
    await gate.ask('patient-2', '/recordings/rec-1')
    await gate.ask('patient-3', '/recordings/rec-1')
    await gate.fetch('/recordings/rec-1')
    const since = new Date(Date.now() - 3_600_000).toISOString()
    const until = new Date(Date.now() + 3_600_000).toISOString()
    const response = await look(`counts?by=hour&since=${since}&until=${until}&kind=access`)
    expect(response.headers.get('content-type')).toBe('application/x-ndjson')
    const counts = (await response.text())
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line))
    const sums = new Map<string, number>()
    for (const { start, kind, reason, count } of counts) {
      expect([start, kind]).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:00:00\.000Z$/), 'access'])
      sums.set(reason, (sums.get(reason) ?? 0) + count)
    }
    expect(Object.fromEntries(sums)).toEqual({ not_owner: 2, token_missing: 1 })
  })

  test.each([
    ['by=hour', 'by, since and until are required'],
    ['by=day&since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z', 'by must be minute or hour'],
    [
      'by=minute&since=2026-01-01T00:00:00Z&until=2026-02-01T00:00:00Z',
      'at most 10080 spans are counted at once',
    ],
    ['by=hour&since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z&subject=psn_1', 'unknown: subject'],
  ])('that are asked for by %s are refused', async (query, detail) => {
    const response = await look(`counts?${query}`)
    expect(response.status).toBe(400)
    expect(((await response.json()) as { detail: string }).detail).toContain(detail)
  })
})
