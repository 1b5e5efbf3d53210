import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { callerNetwork } from '../../../src/base/network.ts'
import type { AccessEvent } from '../../../src/index.ts'
import type { AccessFacts } from '../../../src/ledger/event.ts'
import type { RefusalRecorder } from '../../../src/ledger/refusals/coalesce.ts'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { contextOf } from '../../support/context.ts'
import { createMoodyRefusals } from '../../support/moody-refusals.ts'

// What is one run of refusals, how long, and how many of them are known: by a false clock, on which only what waits takes
// time.

const NETWORK = callerNetwork(() => ({}))
const REQUEST = new Request('https://gate.test/recordings/rec-1')

let refusals: RefusalRecorder
let read: () => Promise<AccessEvent[]>
/** How long the ledger takes over a record, in milliseconds. */
let takes: number
let fails: boolean
/** What the ledger waits for, if it is held. */
let held: Promise<void> | undefined
/** What Workers would let go on after the answers. */
let kept: Promise<unknown>[]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 0 })
  takes = 0
  fails = false
  held = undefined
  kept = []
  const inner = createMemoryLedger()
  refusals = createMoodyRefusals(inner, async () => {
    await held
    if (takes > 0) await new Promise(resolve => setTimeout(resolve, takes))
    return { fails }
  })
  read = async () => {
    const { entries } = await inner.read({ limit: 5000 })
    return entries.map(({ json }) => JSON.parse(json) as AccessEvent)
  }
})
afterEach(() => {
  vi.useRealTimers()
})

let lastId = 0
interface Refusal {
  readonly who?: string
  readonly ticket?: string
  readonly reason?: AccessFacts['reason']
  /** Who owns the recording. */
  readonly owner?: string
  /** When the request came. */
  readonly at?: number
}
async function refuse({
  who = 'patient-2',
  ticket,
  reason = 'recording_unknown',
  owner,
  at = Date.now(),
}: Refusal) {
  const subject = { id: who, issuer: 'https://idp.test/', roles: [], token: `token of ${who}` }
  const context = contextOf({
    ...{ at, request: REQUEST, subject, now: Date.now, network: () => NETWORK },
    ...(ticket !== undefined && { ticket }),
    ...(owner !== undefined && { ownership: { owner, issuer: 'https://idp.test/' } }),
    ref: { recording: 'rec-1', key: 'recordings/rec-1' },
    waitUntil: work => kept.push(work),
  })
  const facts: AccessFacts = { kind: 'access', decision: 'deny', reason, status: 404, method: 'GET' }
  lastId += 1
  return refusals.record(context, facts, `refusal-${lastId}`)
}
async function refuseTimes(times: number, refusal: Refusal = {}) {
  let last = await refuse(refusal)
  for (let time = 1; time < times; time += 1) last = await refuse(refusal)
  return last
}
const recorded = async (refusal: { readonly id: string }) =>
  (await read()).find(({ id }) => id === refusal.id)
const counts = async () =>
  (await read()).flatMap(({ reason, repeats }) =>
    repeats && 'count' in repeats ? [[reason, repeats.count]] : [],
  )

describe('slow ledger', () => {
  test.each([150, 400, 4000])(
    'a ledger that takes %i ms for a record does not delay the answer to a refusal for a new reason',
    async slow => {
      const { id } = await refuseTimes(4)
      takes = slow
      const since = Date.now()
      const answer = refuse({ reason: 'not_owner' })
      const again = refuse({ reason: 'not_owner' })
      await vi.advanceTimersByTimeAsync(75)
      // The answer leaves in the timing slot at 100 ms, whatever became of the record.
      expect(await Promise.race([answer, 'still waits'])).toEqual({ id, retryAfter: 20, isPaced: false })
      expect(await Promise.race([again, 'still waits'])).toEqual({ id, retryAfter: 20, isPaced: false })
      expect(Date.now() - since).toBe(75)
      expect(await counts()).toEqual([])
      await vi.advanceTimersByTimeAsync(slow)
      const found = (await read()).find(({ reason }) => reason === 'not_owner')
      expect(found?.repeats).toEqual({ of: id, count: 1 })
    },
  )

  test('a refusal waits less for the ledger if less time is left until its timing slot', async () => {
    await refuseTimes(4)
    takes = 400
    const came = Date.now()
    await vi.advanceTimersByTimeAsync(160)
    const answer = refuse({ reason: 'not_owner', at: came })
    await vi.advanceTimersByTimeAsync(15)
    expect(await Promise.race([answer, 'still waits'])).toMatchObject({ retryAfter: 20 })
  })

  test('the record of a counted refusal is completed after its answer has left', async () => {
    await refuseTimes(4)
    takes = 400
    kept = []
    const answer = refuse({ reason: 'not_owner' })
    await vi.advanceTimersByTimeAsync(75)
    await answer
    expect(kept).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(400)
    await Promise.all(kept)
    expect(await counts()).toEqual([['not_owner', 1]])
  })

  test('a flush waits for the record of a counted refusal whose answer has left', async () => {
    await refuseTimes(4)
    takes = 400
    const answer = refuse({ reason: 'not_owner' })
    await vi.advanceTimersByTimeAsync(75)
    await answer
    const flushed = refusals.flush().then(counts)
    await vi.advanceTimersByTimeAsync(400)
    expect(await flushed).toEqual([['not_owner', 1]])
  })

  test('a record that fails after its answer has left is written with the counts', async () => {
    await refuseTimes(4)
    takes = 400
    fails = true
    const answer = refuse({ reason: 'not_owner' })
    await vi.advanceTimersByTimeAsync(75)
    await answer
    await vi.advanceTimersByTimeAsync(400)
    fails = false
    await vi.advanceTimersByTimeAsync(20_000)
    expect(await counts()).toEqual([['not_owner', 1]])
  })
})

describe('record that represents a run', () => {
  test('a refusal whose representative cannot be recorded gets a record of its own, and the next one tries again', async () => {
    await refuseTimes(3)
    takes = 100
    fails = true
    const first = refuse({}).catch(() => 'failed')
    const second = refuse({})
    await vi.advanceTimersByTimeAsync(100)
    fails = false
    // Twice, as a record of the gap comes after it.
    await vi.advanceTimersByTimeAsync(200)
    expect(await first).toBe('failed')
    const alone = await second
    expect(alone.retryAfter).toBe(20)
    expect(await recorded(alone)).not.toHaveProperty('repeats')
    takes = 0
    const third = await refuse({})
    expect(third.id).not.toBe(alone.id)
    expect(await recorded(third)).toHaveProperty('repeats.until')
  })

  test('a refusal does not wait over five seconds for a record that another request has begun', async () => {
    // On Workers that request may have been cut off, and then its record never ends.
    await refuseTimes(3)
    takes = 60_000
    void refuse({}).catch(() => {})
    await vi.advanceTimersByTimeAsync(0)
    takes = 0
    const waiting = refuse({})
    await vi.advanceTimersByTimeAsync(4_999)
    expect(await Promise.race([waiting, 'still waits'])).toBe('still waits')
    await vi.advanceTimersByTimeAsync(1)
    expect(await recorded(await waiting)).not.toHaveProperty('repeats')
  })

  test('a flush at any moment counts every refusal once', async () => {
    for (let moment = 0; moment < 30; moment += 1) {
      const who = `patient-${moment}`
      await refuseTimes(3, { who })
      const { promise, resolve } = Promise.withResolvers<void>()
      held = promise
      const answers = [refuse({ who }), refuse({ who }), refuse({ who, reason: 'not_owner' })]
      await vi.advanceTimersByTimeAsync(0)
      resolve()
      for (let step = 0; step < moment; step += 1) await Promise.resolve()
      const flushed = refusals.flush()
      await vi.advanceTimersByTimeAsync(100)
      await Promise.all([...answers, flushed])
      await refusals.flush()
      const own = (await read()).filter(({ subject }) => subject === `subject:${who}`)
      const total = own.map(({ repeats }) => (repeats && 'count' in repeats ? repeats.count : 1))
      expect([moment, total.reduce((sum, count) => sum + count, 0)]).toEqual([moment, 6])
      // The reason of each is on record: a count never takes in a refusal for another one.
      expect(own.filter(({ reason }) => reason === 'not_owner')).toHaveLength(1)
    }
  })
})

test('a refusal with another ticket begins a run of its own', async () => {
  const { id } = await refuseTimes(6, { ticket: 'one' })
  const other = await refuse({ ticket: 'other' })
  expect(other).not.toHaveProperty('retryAfter')
  expect(other.id).not.toBe(id)
  expect(await recorded(other)).toMatchObject({ ticket: 'other' })
})

test('the window of a run begins when its first refusal is recorded, not when the request came', async () => {
  // A caller can hold its body back: by the time it came, the window could be over before it begins.
  const at = Date.now()
  await vi.advanceTimersByTimeAsync(15_000)
  const standing = await refuseTimes(4, { at })
  expect(standing.retryAfter).toBe(20)
  expect((await recorded(standing))?.repeats).toEqual({ until: new Date(35_000).toISOString() })
  await vi.advanceTimersByTimeAsync(19_000)
  expect(await refuse({})).toMatchObject({ retryAfter: 1 })
})

test('a run ends when its counts are written, so the next refusal is recorded on its own', async () => {
  const { id } = await refuseTimes(6)
  await refusals.flush()
  expect(await counts()).toEqual([['recording_unknown', 2]])
  const next = await refuse({})
  expect(next).not.toHaveProperty('retryAfter')
  expect(next.id).not.toBe(id)
  expect(await recorded(next)).toBeDefined()
  expect(await recorded(next)).not.toHaveProperty('repeats')
})

test('a thousand runs are kept, and the counts of one that makes room for another are written at once', async () => {
  await refuseTimes(6)
  for (let caller = 1; caller < 1000; caller += 1) await refuse({ who: `other-${caller}` })
  await Promise.resolve()
  expect(await counts()).toEqual([])
  kept = []
  await refuse({ who: 'one more' })
  await Promise.all(kept)
  expect(await counts()).toEqual([['recording_unknown', 2]])
  expect(await refuse({})).not.toHaveProperty('retryAfter')
})

test('a flush leaves no timer that keeps a process from ending', async () => {
  await refuseTimes(6)
  expect(vi.getTimerCount()).toBe(1)
  await refusals.flush()
  expect(vi.getTimerCount()).toBe(0)
})

test('concurrent refusals of more kinds than a run counts are all counted while the ledger fails', async () => {
  await refuseTimes(4)
  const owners = Array.from({ length: 12 }, (_, i) => `patient-${100 + i}`)
  takes = 10
  fails = true
  const answers = owners.flatMap(owner =>
    Array.from({ length: 5 }, () => refuse({ reason: 'not_owner', owner })),
  )
  await vi.advanceTimersByTimeAsync(100)
  await Promise.all(answers)
  fails = false
  await vi.advanceTimersByTimeAsync(20_000)
  const counted = (await read()).filter(({ repeats }) => repeats && 'count' in repeats)
  expect(counted.map(({ owner, repeats }) => [owner, repeats])).toEqual(
    owners.map(owner => [`subject:${owner}`, expect.objectContaining({ count: 5 })]),
  )
})
