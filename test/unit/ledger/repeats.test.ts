import { beforeEach, describe, expect, test } from 'vitest'
import type { AccessEvent, Ledger } from '../../../src/index.ts'
import { memoryLedger, memoryStore } from '../../../src/runtime/memory/index.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'

// A player that asks the same again and again, and is refused each time.

let now: number
let ip: string
let gate: MemoryGate
let authorization: string

beforeEach(async () => {
  now = Date.now()
  ip = '203.0.113.7'
  gate = await memoryGate({ now: () => now, network: () => ({ ip }) })
  authorization = `Bearer ${await gate.idp.token('patient-2')}`
})

const ask = async (path = '/recordings/rec-1', headers: Record<string, string> = { authorization }) => {
  const response = await gate.fetch(path, { headers })
  const { instance } = (await response.json()) as { instance: string }
  return { id: instance.slice(9), status: response.status, retry: response.headers.get('retry-after') }
}
async function events(): Promise<AccessEvent[]> {
  const { entries } = await gate.ledger.read({ limit: 100 })
  return entries.map(({ json }) => JSON.parse(json) as AccessEvent)
}

describe('a player that hammers', () => {
  test('is three records, one that stands for the rest, and one that counts them', async () => {
    const answers = []
    for (let i = 0; i < 20; i++) answers.push(await ask())
    const ids = answers.map(({ id }) => id)
    expect(new Set(ids).size).toBe(4)
    expect(ids.slice(3).every(id => id === ids[3])).toBe(true)
    expect(answers.map(({ retry }) => retry)).toEqual([...Array(3).fill(null), ...Array(17).fill('20')])
    expect(answers.every(({ status }) => status === 404)).toBe(true)
    expect((await events()).map(({ id }) => id)).toEqual(ids.slice(0, 4))
    expect((await events())[3]?.repeats).toEqual({ until: new Date(now + 20_000).toISOString() })
    await gate.flush()
    await gate.flush()
    const all = await events()
    expect(all).toHaveLength(5)
    expect(all[4]).toMatchObject({
      reason: 'not_owner',
      recording: 'rec-1',
      repeats: { of: ids[3], count: 16 },
    })
  })

  test('is on record again after its window', async () => {
    for (let i = 0; i < 6; i++) await ask()
    now += 20_000
    const { id, retry } = await ask()
    expect([(await events()).at(-1)?.id, retry]).toEqual([id, null])
  })

  test('many at once are answered only when what stands for them is durable', async () => {
    let release: () => void = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    const inner = memoryLedger()
    let count = 0
    const ledger: Ledger = {
      ...inner,
      record: async entry => {
        if (++count === 4) await held
        await inner.record(entry)
      },
    }
    gate = await memoryGate({ now: () => now, ledger })
    authorization = `Bearer ${await gate.idp.token('patient-2')}`
    for (let i = 0; i < 3; i++) await ask()
    let answered = 0
    const waiting = Array.from({ length: 8 }, () => ask().then(() => answered++))
    await new Promise(resolve => setTimeout(resolve, 100))
    expect(answered).toBe(0)
    release()
    await Promise.all(waiting)
    expect(await events()).toHaveLength(4)
  })

  test('gets no answer where what should stand for it can not be recorded', async () => {
    const inner = memoryLedger()
    let down = false
    const ledger: Ledger = {
      ...inner,
      record: entry => (down ? Promise.reject(new Error('down')) : inner.record(entry)),
    }
    gate = await memoryGate({ now: () => now, ledger, lastResort: () => {} })
    authorization = `Bearer ${await gate.idp.token('patient-2')}`
    for (let i = 0; i < 3; i++) await ask()
    down = true
    expect([(await ask()).status, (await ask()).status]).toEqual([503, 503])
    down = false
    expect((await ask()).status).toBe(404)
    expect((await events()).at(-1)?.repeats).toHaveProperty('until')
  })
})

describe('what differs is not the same', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['recording', () => ask('/recordings/rec-2')],
    ['reason', () => ask('/recordings/..')],
    ['subject', async () => ask(undefined, { authorization: `Bearer ${await gate.idp.token('patient-3')}` })],
    ['credential', () => ask(undefined, {})],
    ['release', () => ask(undefined, { authorization, 'mediaward-app-release': '4.12.0' })],
    ['method', () => gate.fetch('/recordings/rec-1', { method: 'HEAD', headers: { authorization } })],
  ])('another %s', async (_, other) => {
    for (let i = 0; i < 6; i++) await ask()
    const before = (await events()).length
    await other()
    expect((await events()).length).toBe(before + 1)
  })

  test('another address, of those who do not say who they are', async () => {
    for (let i = 0; i < 6; i++) await ask(undefined, {})
    expect(await events()).toHaveLength(4)
    ip = '203.0.113.8'
    await ask(undefined, {})
    expect(await events()).toHaveLength(5)
  })

  test('a fault of ours is never counted together', async () => {
    const broken = () => Promise.reject(new Error('no store'))
    gate = await memoryGate({ now: () => now, store: { ...memoryStore(), open: broken } })
    authorization = `Bearer ${await gate.idp.token('patient-1')}`
    for (let i = 0; i < 6; i++) expect((await ask()).status).toBe(503)
    expect(await events()).toHaveLength(6)
  })
})
