import { beforeEach, describe, expect, test, vi } from 'vitest'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { Rules } from '../../../src/watch/engine/engine.ts'
import { bulkReader } from '../../../src/watch/rules/insiders.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { RuleRun } from '../../support/rule-fixtures.ts'

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

describe('an analyst who reads the log in bulk', () => {
  const TOTAL = 26_000

  /** Fills the log with records of one recording. */
  async function fill(thousands: number, begin = 0) {
    for (let i = begin; i < begin + thousands; i++) {
      const entries = Array.from({ length: 1_000 }, (_, n) => `${i}-${n}`).map(id => ({
        id,
        json: JSON.stringify({ id, kind: 'access', recording: 'rec-1', t: '2026-11-23T00:00:00.000Z' }),
      }))
      await gate.ledger.append(entries)
    }
  }
  const read = async (query: string, who = 'eve') => {
    const response = await look(`records?${query}`, who)
    return { rows: (await response.text()).split('\n').length - 1, headers: response.headers }
  }
  /** Follows the log until so many records came. */
  async function stream(query: string, most: number): Promise<number> {
    const headers = { Accept: 'text/event-stream' }
    const response = await gate.ask('eve', `/console/api/records?${query}`, { claims, headers })
    const reader = response.body?.getReader()
    const decoder = new TextDecoder()
    let rows = 0
    while (rows < most) {
      const { value, done } = (await reader?.read()) ?? { done: true }
      if (done) break
      rows += decoder.decode(value).split('\ndata: ').length - 1
    }
    await reader?.cancel()
    return rows
  }
  const onRecord = async () =>
    (await looks()).map(({ rows }) => Number(rows ?? 0)).reduce((sum, rows) => sum + rows, 0)
  /** What the rule of bulk readers finds in the log. */
  async function found(): Promise<readonly (number | undefined)[]> {
    const { entries } = await gate.ledger.read({ limit: 1_000_000 })
    const run = new RuleRun()
    run.observe(new Rules({ rules: [bulkReader], seed: 1 }), entries)
    return run.detections.map(({ count }) => count)
  }

  const ways: readonly (readonly [string, () => Promise<number>])[] = [
    [
      'by cursors',
      async () => {
        let sum = 0
        for (let after = '0'; sum < TOTAL; ) {
          const { rows, headers } = await read(`after=${after}`)
          sum += rows
          after = headers.get('mediaward-cursor') ?? ''
        }
        return sum
      },
    ],
    [
      'by indexes',
      async () => {
        let sum = 0
        for (let from = 0; from < TOTAL; from += 1_000) sum += (await read(`from=${from}`)).rows
        return sum
      },
    ],
    [
      'in pages that are small',
      async () => {
        let sum = 0
        for (let from = 0; from < TOTAL; from += 250) sum += (await read(`from=${from}&limit=250`)).rows
        return sum
      },
    ],
    [
      'in slices, each of another query',
      async () => {
        let sum = 0
        for (let from = 0; from < TOTAL; from += 900)
          sum += (await read(`since=2026-01-01T00:00:0${(from / 900) % 6}Z&from=${from}&limit=900`)).rows
        return sum
      },
    ],
    ['as a stream', () => stream('from=0', TOTAL)],
    [
      'from the newest on, as it grows',
      async () => {
        let sum = 0
        for (let i = 0; i < TOTAL / 1_000; i++) {
          await fill(1, TOTAL / 1_000 + i)
          sum += (await read('order=newest')).rows
        }
        return sum
      },
    ],
  ]
  test.each(ways)('%s is on record with all that was read, and found', async (_, readAll) => {
    await fill(TOTAL / 1_000)
    const rows = await readAll()
    expect(rows).toBeGreaterThanOrEqual(TOTAL)
    const recorded = await onRecord()
    // What is below the step of a record stays for the next look.
    expect([recorded <= rows, recorded > rows - 1_000]).toEqual([true, true])
    const [first] = await found()
    expect(first).toBeGreaterThanOrEqual(25_000)
    expect(first).toBeLessThan(26_000)
  })

  test('each stream counts what the ones before it sent', async () => {
    await fill(3)
    for (let from = 0; from < 2_800; from += 700) await stream(`from=${from}`, 700)
    expect((await looks()).map(({ rows }) => rows)).toEqual([undefined, 700, 700, 700])
  })

  test('what no look counts yet is counted by the next one of the same analyst, whatever it asks for', async () => {
    await fill(2)
    await read('from=0&limit=600')
    await read('from=600&limit=300')
    expect((await looks()).map(({ rows }) => rows)).toEqual([600])
    await read('from=0&limit=10', 'analyst-2')
    await read('reason=not_owner')
    expect((await looks()).map(({ rows }) => rows)).toEqual([600, 10, 300])
    await read('from=0&limit=20')
    await (
      await gate.ask('eve', '/console/api/records', { claims, headers: { Accept: 'text/event-stream' } })
    ).body?.cancel()
    expect((await looks()).slice(3)).toEqual([{ action: 'follow', query: {}, rows: 20 }])
  })

  test('a page that polls is shown the same again, and only what is new counts', async () => {
    await fill(1)
    for (let i = 0; i < 25; i++) await read('recording=rec-1', 'analyst-2')
    await read('recording=rec-1&limit=10', 'analyst-2')
    await read('recording=rec-1&order=newest&limit=500', 'analyst-2')
    expect((await looks()).map(({ rows }) => rows)).toEqual([1_000])
    await fill(1, 1)
    await read('recording=rec-1&order=newest&limit=600', 'analyst-2')
    await read('recording=rec-1&order=newest&limit=600', 'analyst-2')
    expect((await looks()).map(({ rows }) => rows)).toEqual([1_000, 1_100])
  })

  test('two pages at once are counted once each', async () => {
    await fill(4)
    await read('from=0&limit=1')
    await Promise.all([read('from=0'), read('from=1000'), read('from=2000'), read('from=3000&limit=1')])
    await read('reason=not_owner')
    expect(await onRecord()).toBe(3_002)
  })

  test('what was shown before a look that fails is counted by the next one, and what it did not show is not', async () => {
    const ledger = createMemoryLedger()
    let fails = false
    const error = vi.spyOn(console, 'error').mockReturnValue()
    const append: typeof ledger.append = entries =>
      fails ? Promise.reject(new Error('full')) : ledger.append(entries)
    gate = await memoryGate({ ledger: { ...ledger, append } })
    await fill(2)
    await read('from=0&limit=100')
    await read('from=100&limit=900')
    fails = true
    expect((await look('records?from=1000&limit=1000', 'eve')).status).toBe(503)
    fails = false
    await read('from=1000&limit=100')
    expect((await looks()).map(({ rows }) => rows)).toEqual([100, 1_000])
    error.mockRestore()
  })

  test('a stream ends before it sends what can not be recorded', async () => {
    const ledger = createMemoryLedger()
    const error = vi.spyOn(console, 'error').mockReturnValue()
    // The second look of the stream, which would count what it is about to send.
    const isSecond = ({ json }: { readonly json: string }) =>
      json.includes('"action":"follow"') && json.includes('"rows":')
    const append: typeof ledger.append = entries =>
      entries.some(isSecond) ? Promise.reject(new Error('full')) : ledger.append(entries)
    gate = await memoryGate({ ledger: { ...ledger, append } })
    await fill(3)
    expect(await stream('from=0', 3_000)).toBeLessThan(3_000)
    error.mockRestore()
  })
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
