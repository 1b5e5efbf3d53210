import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Ownership, RecordingStore } from '../../../src/index.ts'
import { createMemoryLedger, createMemoryStore } from '../../../src/runtime/memory/index.ts'
import { factsOf } from '../../contract/recordings.ts'
import { countingStore } from '../../support/counting-store.ts'
import { type MemoryGate, memoryGate } from '../../support/memory-gate.ts'
import { ownedGate } from '../../support/owned-gate.ts'
import { storeWith } from '../../support/store-with.ts'
import { watchedStore } from '../../support/watched-store.ts'

// The order of the steps of playing. What they answer is tested by the other files here.

beforeEach(() => void vi.spyOn(console, 'error').mockReturnValue())

const play = (gate: MemoryGate, headers: Record<string, string> = {}) =>
  gate.ask('patient-1', '/recordings/rec-1', { headers })

describe('view before the answer', () => {
  test('the answer to a permitted request leaves only when its view is on record', async () => {
    const memory = createMemoryLedger()
    const recorded = Promise.withResolvers<void>()
    const steps: string[] = []
    const ledger = {
      ...memory,
      append: async (entries: Parameters<typeof memory.append>[0]) => {
        if (entries.some(({ json }) => json.includes('"heartbeat"'))) return memory.append(entries)
        steps.push('recording')
        await recorded.promise
        steps.push('recorded')
        return memory.append(entries)
      },
    }
    const answered = play(await memoryGate({ ledger })).then(() => steps.push('answered'))
    await expect.poll(() => steps).toEqual(['recording'])
    await new Promise(resolve => setTimeout(resolve, 50))
    recorded.resolve()
    await answered
    expect(steps).toEqual(['recording', 'recorded', 'answered'])
  })

  test('a view that cannot be recorded is answered 503, and the body that was opened is closed', async () => {
    const { bodies, store } = countingStore(createMemoryStore())
    const ledger = { ...createMemoryLedger(), append: () => Promise.reject(new Error('down')) }
    const gate = await memoryGate({ ledger, store, onUnrecorded: () => {} })
    expect((await play(gate)).status).toBe(503)
    expect(bodies).toEqual({ opened: 1, read: 0, cancelled: 1 })
  })
})

describe('a lockdown that is made while the request waits', () => {
  const lockdown = { kind: 'lockdown', scope: 'everything', at: 0, by: 'psn_1' } as const
  const revoke = (gate: MemoryGate) =>
    gate.ask('analyst-1', '/session/revoke', {
      method: 'POST',
      claims: { roles: ['security'] },
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sub: 'patient-1', reason: 'why' }),
    })

  /** Resolves to what a request is answered that is held up while something is done. Another second passes then. */
  async function held(by: 'the store' | 'the log', during: (gate: MemoryGate) => Promise<unknown>) {
    let time = Date.now()
    const goesOn = Promise.withResolvers<void>()
    const reached = Promise.withResolvers<void>()
    const hold = async () => {
      reached.resolve()
      await goesOn.promise
    }
    const memory = createMemoryLedger()
    const append: typeof memory.append = async entries => {
      if (by === 'the log' && entries.some(({ json }) => json.includes('"kind":"view"'))) await hold()
      return memory.append(entries)
    }
    const { bodies, store } = countingStore(createMemoryStore(), async () => {
      if (by === 'the store') await hold()
      return undefined
    })
    const gate = await memoryGate({ ledger: { ...memory, append }, store, now: () => time })
    const answered = play(gate)
    await reached.promise
    await during(gate)
    await new Promise(resolve => setTimeout(resolve, 150))
    time += 1_000
    goesOn.resolve()
    const { status } = await answered
    return { status, bodies, reason: (await gate.events('access')).at(-1)?.reason }
  }

  test('is obeyed by the answer that waits for its record, and its body is closed', async () => {
    const { status, bodies, reason } = await held('the log', async gate => gate.control?.add(lockdown))
    expect([status, reason]).toEqual([403, 'everything_frozen'])
    expect(bodies).toEqual({ opened: 1, read: 0, cancelled: 1 })
  })

  test.each(['the log', 'the store'] as const)('so is the end of a login, if %s takes long', async by => {
    const { status, reason } = await held(by, revoke)
    expect([status, reason]).toEqual([401, 'token_revoked'])
  })

  test('nothing else changes an answer that waits', async () => {
    expect((await held('the log', async () => {})).status).toBe(200)
  })
})

const range = (value: string) => ({ headers: { range: value } })
const [ONE, TWO] = [['open'], ['open', 'find']]

// What a store gives with bytes that it withholds, and how many reads a refusal takes.
test.each<['always' | 'whole' | undefined, string, object, readonly string[]]>([
  [undefined, 'the whole', {}, TWO],
  [undefined, 'a range beyond the end', range('bytes=9999-'), TWO],
  ['whole', 'the whole', {}, ONE],
  ['whole', 'all from the first byte on', range('bytes=0-'), ONE],
  ['whole', 'a range', range('bytes=0-9'), TWO],
  ['whole', 'a range beyond the end', range('bytes=9999-'), TWO],
  ['always', 'the whole', {}, ONE],
  ['always', 'a range beyond the end', range('bytes=9999-'), ONE],
])(
  'a store that gives facts %s: a refusal of %s takes the same reads, whether the recording exists or its owner cannot be determined',
  async (givesFacts, _, init, expected) => {
    const fails = () => Promise.reject(new Error('no connection'))
    const known = { 'rec-1': { owner: 'patient-1' }, set: fails, none: fails }
    const calls: string[] = []
    const store = storeWith(watchedStore(calls), { givesFacts } as Partial<RecordingStore>)
    const gate = await ownedGate(known, { store })
    const reads = async (who: string, path: string) => {
      calls.length = 0
      await gate.ask(who, `/recordings/${path}`, init)
      return calls
    }
    for (const path of ['rec-1', 'rec-0', 'set/a.ts', 'none']) {
      expect(await reads('patient-2', path)).toEqual(expected)
    }
    // Nor is the owner's own failure quicker.
    expect(await reads('patient-1', 'set/a.ts')).toEqual(expected)
  },
)

describe('replaced recordings', () => {
  // If-Range names another version, so the whole is needed where a range was opened.
  const again = { range: 'bytes=0-4', 'if-range': '"other"' }

  async function replacedBy(owner: string, content?: Uint8Array<ArrayBuffer>) {
    const memory = createMemoryStore()
    const put = async (bytes: Uint8Array<ArrayBuffer>, ownership: Ownership) => {
      const replaces = (await factsOf(memory, 'recordings/rec-1'))?.etag ?? null
      const facts = { size: bytes.length, contentType: 'video/mp4', ownership, replaces }
      await memory.put('recordings/rec-1', new Blob([bytes]).stream(), facts)
    }
    const { bodies, store } = countingStore(memory, async time => {
      if (time === 2) await put(content ?? gate.bytes, { owner, issuer: gate.idp.issuer })
      return undefined
    })
    const gate = await memoryGate({ store })
    return { gate, bodies }
  }

  test('a recording that is replaced between two reads of one request is not sent', async () => {
    const { gate, bodies } = await replacedBy('patient-1', new Uint8Array(3000))
    expect((await play(gate, again)).status).toBe(503)
    expect(bodies).toEqual({ opened: 2, read: 0, cancelled: 2 })
  })

  test('a recording that gets another owner between two reads is refused, even with the same bytes and entity tag', async () => {
    const { gate, bodies } = await replacedBy('patient-2')
    expect((await play(gate, again)).status).toBe(404)
    expect(bodies).toEqual({ opened: 2, read: 0, cancelled: 2 })
    expect(await gate.events()).toMatchObject([{ reason: 'not_owner' }])
  })

  test('a recording that is opened twice for one request is sent whole if it stayed the same', async () => {
    const { bodies, store } = countingStore(createMemoryStore())
    const gate = await memoryGate({ store })
    const response = await play(gate, again)
    expect(response.status).toBe(200)
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(gate.bytes)
    expect(bodies).toEqual({ opened: 2, read: 1, cancelled: 1 })
  })
})
