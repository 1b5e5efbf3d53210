import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { AccessEvent, Ledger } from '../../../src/index.ts'
import type { AccessFacts, RefusalSum } from '../../../src/ledger/event.ts'
import { eventId } from '../../../src/ledger/event-id.ts'
import type { RefusalRecorder } from '../../../src/ledger/refusals/coalesce.ts'
import { RequestContext } from '../../../src/request-context.ts'
import { createMemoryLedger } from '../../../src/runtime/memory/index.ts'
import { createMoodyRefusals } from '../../support/moody-refusals.ts'

// Many refusals from one network, by a false clock on which only what waits takes time.

const HOME = '203.0.113.0/24'
const REQUEST = new Request('https://gate.test/')
const PATIENT = { id: 'patient-2', issuer: 'https://idp.test/', roles: [], token: 'token-2' }

let refusals: RefusalRecorder
let inner: Ledger
/** How long the ledger takes over a record, in milliseconds. */
let takes: number
let fails: boolean
/** What Workers would let go on after the answers. */
let kept: Promise<unknown>[]
let unrecorded: AccessEvent[]

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: Date.UTC(2026, 10, 27) })
  takes = 0
  fails = false
  kept = []
  unrecorded = []
  inner = createMemoryLedger()
  refusals = createRefusals()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Creates the recorder of one isolate. */
const createRefusals = (): RefusalRecorder =>
  createMoodyRefusals(
    inner,
    () => ({ takes, fails }),
    event => unrecorded.push(event),
  )

let lastName = 0
interface Refused extends Omit<Partial<RequestContext>, 'ref'> {
  readonly ref?: RequestContext['ref'] | undefined
  readonly reason?: AccessFacts['reason']
  readonly status?: number
  readonly prefix?: string
}
/** Refuses a request for a name that no other request asks for. */
async function refuse({ reason = 'token_missing', status = 401, prefix = HOME, ...facts }: Refused = {}) {
  const recording = `made-up-${++lastName}`
  const id = eventId(Date.now())
  const network = () => ({ ip: '203.0.113.7', prefix, asn: 64_496, country: 'GB' })
  const waitUntil = (work: Promise<unknown>) => kept.push(work)
  const context = new RequestContext({ request: REQUEST, waitUntil, now: Date.now, network })
  Object.assign(context, { network, ref: { recording, key: recording }, ...facts })
  const access: AccessFacts = { kind: 'access', decision: 'deny', reason, status, method: 'GET' }
  return { ...(await refusals.record(context, access, id)), own: id }
}
async function refuseTimes(times: number, refused: Refused = {}) {
  const answers = []
  for (let i = 0; i < times; i++) answers.push(await refuse(refused))
  return answers
}
const log = async () => {
  const { entries } = await inner.read({ limit: 1_000_000, kind: 'access' })
  return entries.map(({ json }) => JSON.parse(json) as AccessEvent)
}
const sums = async () => (await log()).flatMap(({ sum }) => (sum && 'of' in sum ? sum : []))
const weightOf = ({ repeats, sum }: AccessEvent) =>
  [repeats, sum].map(one => (one && 'count' in one ? one.count : 0)).reduce((a, b) => a + b) || 1
/** How many refusals the log accounts for. */
const accounted = async () => (await log()).map(weightOf).reduce((a, b) => a + b, 0)

describe('a flood from one network', () => {
  test('300 refusals a minute have a record each, one begins the sum, and the rest is one record', async () => {
    const answers = await refuseTimes(1_000)
    expect(await log()).toHaveLength(301)
    const [opening] = (await log()).slice(-1)
    const until = '2026-11-27T00:01:00.000Z'
    expect(opening).toMatchObject({ id: answers[300]?.id, recording: 'made-up-301', sum: { until } })
    await refusals.flush()
    await refusals.flush()
    expect(await log()).toHaveLength(302)
    const [sum] = await sums()
    expect(sum).toMatchObject({
      ...{ of: opening?.id, count: 699, first: answers[301]?.id, last: answers[999]?.id },
    })
    const ids = answers.slice(301).map(({ id }) => id)
    expect(sum?.sample).toHaveLength(20)
    expect(new Set(sum?.sample).size).toBe(20)
    expect(sum?.sample.every(id => ids.includes(id))).toBe(true)
    expect(sum?.sample.toSorted()).toEqual(sum?.sample)
  })

  test('each refusal of a flood is answered with an id of its own', async () => {
    const answers = await refuseTimes(1_000)
    expect(answers.filter(({ id, own }) => id !== own)).toEqual([])
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1_000)
    expect(answers.some(answer => 'retryAfter' in answer)).toBe(false)
  })

  test('a sum says what its refusals share, and nothing that only one of them had but its recording', async () => {
    await refuseTimes(302, {
      token: { entry: 'one' },
      ownership: { owner: 'patient-1', issuer: 'https://idp.test/', tenant: 'north' },
    })
    await refusals.flush()
    const { gate: _, sum: __, id: ___, ...sum } = (await log()).at(-1) ?? ({} as AccessEvent)
    expect(sum).toEqual({
      ...{ v: 1, kind: 'access', decision: 'deny', reason: 'token_missing', status: 401, method: 'GET' },
      ...{ tenant: 'default', t: '2026-11-27T00:00:00.000Z', recorded: '2026-11-27T00:00:00.000Z' },
      net: { prefix: HOME, asn: 64_496, country: 'GB' },
    })
  })

  test('a sum names the recordings that its refusals were for, each once, the first 256 that came', async () => {
    await refuseTimes(301)
    const ref = (recording: string) => ({ ref: { recording, key: recording } })
    for (let i = 0; i < 400; i++) await refuse(ref(`asked-${i % 300}`))
    await refuse({ reason: 'token_expired', ...ref('first-of-its-reason') })
    for (let i = 0; i < 2; i++) await refuse({ reason: 'token_expired', ...ref('rec-1') })
    for (let i = 0; i < 2; i++) await refuse({ reason: 'path_invalid', status: 404, ref: undefined })
    await refusals.flush()
    expect((await sums()).map(({ count, recordings }) => [count, recordings])).toEqual([
      [400, Array.from({ length: 256 }, (_, i) => `asked-${i}`)],
      [2, ['rec-1']],
      [1, undefined],
    ])
  })

  test('a recording that one caller asks for in a loop is named by the sum of the flood, too', async () => {
    await refuseTimes(301)
    await refuseTimes(10, { ref: { recording: 'rec-1', key: 'rec-1' } })
    await refusals.flush()
    expect((await sums()).map(({ count, recordings }) => [count, recordings])).toEqual([[10, ['rec-1']]])
  })

  test('sums of many networks name 20,000 recordings a minute at most, and count all', async () => {
    await refuseTimes(301)
    const networks = Array.from({ length: 90 }, (_, i) => `10.0.${i}.0/24`)
    for (const prefix of networks) await refuseTimes(601, { prefix })
    await vi.advanceTimersByTimeAsync(60_000)
    const named = (await sums()).map(({ recordings = [] }) => recordings.length)
    expect(named).toHaveLength(90)
    expect(named.reduce((sum, some) => sum + some, 0)).toBe(20_000)
    // There is room again for what comes later.
    await refuseTimes(11, { prefix: networks[89] ?? '' })
    await refusals.flush()
    expect((await sums()).at(-1)).toMatchObject({ count: 10, recordings: expect.any(Array) })
    expect(await accounted()).toBe(301 + 90 * 601 + 11)
  })

  test('each reason of a flood begins with a record and has a sum of its own', async () => {
    await refuseTimes(300)
    for (let i = 0; i < 50; i++) {
      for (const reason of ['token_missing', 'token_signature', 'token_expired'] as const) {
        await refuse({ reason })
      }
    }
    const begun = (await log()).slice(300)
    expect(begun.map(({ reason, sum }) => [reason, sum && 'until' in sum])).toEqual([
      ['token_missing', true],
      ['token_signature', true],
      ['token_expired', true],
    ])
    await refusals.flush()
    expect(
      (await log()).slice(303).map(({ reason, sum }) => [reason, sum && 'count' in sum && sum.count]),
    ).toEqual([
      ['token_missing', 49],
      ['token_signature', 49],
      ['token_expired', 49],
    ])
  })

  test('100,000 refusals with made-up ids make a few records a minute after the first', async () => {
    const minutes = []
    for (let minute = 0; minute < 5; minute++) {
      const before = (await log()).length
      for (let second = 0; second < 60; second++) {
        await refuseTimes(333)
        await vi.advanceTimersByTimeAsync(1_000)
      }
      minutes.push((await log()).length - before)
    }
    expect(minutes[0]).toBeLessThanOrEqual(303)
    expect(Math.max(...minutes.slice(1))).toBeLessThanOrEqual(3)
    await refusals.flush()
    expect(await accounted()).toBe(5 * 60 * 333)
  })

  test('a minute without a flood ends it: then each refusal has a record again', async () => {
    await refuseTimes(1_000)
    await vi.advanceTimersByTimeAsync(60_000)
    await refuseTimes(10)
    expect(await sums()).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(60_000)
    const before = (await log()).length
    await refuseTimes(100)
    expect((await log()).length).toBe(before + 100)
    expect(await accounted()).toBe(1_110)
  })

  test('refusals from 10,000 networks (100,000 if there is time) have a record each', async () => {
    const networks = process.env.TEST_LONG === undefined ? 10_000 : 100_000
    for (let i = 0; i < networks; i++) await refuse({ prefix: `2001:db8:${i.toString(16)}::/48` })
    expect(await log()).toHaveLength(networks)
  })

  test('a network that is forgotten for others has its sum written', async () => {
    await refuseTimes(400)
    for (let i = 0; i < 2_000; i++) await refuse({ prefix: `10.${i >> 8}.${i & 255}.0/24` })
    await Promise.resolve()
    expect(await sums()).toMatchObject([{ count: 99 }])
    expect(await accounted()).toBe(2_400)
  })

  test('a request that is repeated in a flood is coalesced as before, and counted in the sum', async () => {
    await refuseTimes(301)
    const before = (await log()).length
    const same = { ref: { recording: 'rec-1', key: 'rec-1' } }
    const answers = await refuseTimes(10, same)
    expect(answers.map(({ retryAfter }) => retryAfter)).toEqual([...Array(3), ...Array(7).fill(20)])
    expect(new Set(answers.slice(3).map(({ id }) => id)).size).toBe(1)
    await refusals.flush()
    expect((await log()).length).toBe(before + 1)
    expect(await accounted()).toBe(311)
  })

  test('refusals of unknown origin are not summed up', async () => {
    const network = () => ({ ip: undefined, prefix: undefined, asn: undefined, country: undefined })
    await refuseTimes(400, { network })
    expect(await log()).toHaveLength(400)
  })
})

describe('a good token in the network of a flood', () => {
  test('each refusal of a patient has a record, as before, and leaves as before', async () => {
    await refuseTimes(1_000)
    const patient = { subject: PATIENT, reason: 'not_owner', status: 404 } as const
    const answers = await refuseTimes(500, patient)
    expect(answers.some(({ isPaced }) => isPaced)).toBe(false)
    const ids = new Set((await log()).filter(({ subject }) => subject !== undefined).map(({ id }) => id))
    expect(answers.filter(({ id }) => !ids.has(id))).toEqual([])
  })

  test.each<[string, Partial<RequestContext>]>([
    ['an expired token of a good signature', { subject: PATIENT }],
    ['a token of a good signature without a subject', { token: { issuer: 'https://idp.test/' } }],
    ['an expired ticket', { ticket: eventId(0) }],
  ])('each refusal of %s has a record of its own', async (_, facts) => {
    await refuseTimes(1_000)
    const answers = await refuseTimes(500, { reason: 'token_expired', ...facts })
    await refusals.flush()
    const all = await log()
    const ids = new Set(all.filter(({ sum }) => sum === undefined).map(({ id }) => id))
    expect(answers.filter(({ id }) => !ids.has(id))).toEqual([])
    expect((await sums()).map(({ count }) => count)).toEqual([699])
  })

  test('a record that no store takes at once is written with the sums', async () => {
    await refuseTimes(400)
    fails = true
    const { id } = await refuse({ reason: 'token_expired', subject: PATIENT })
    fails = false
    await refusals.flush()
    expect((await log()).find(one => one.id === id)).toMatchObject({ subject: 'subject:patient-2' })
    expect(await accounted()).toBe(401)
  })
})

describe('no denial without a record', () => {
  test('no summed refusal is answered before a durable record says so', async () => {
    await refuseTimes(300)
    takes = 400
    let answered = 0
    const waiting = Array.from({ length: 50 }, () => refuse().then(() => answered++))
    await vi.advanceTimersByTimeAsync(399)
    expect([answered, (await log()).length]).toEqual([0, 300])
    await vi.advanceTimersByTimeAsync(1)
    await Promise.all(waiting)
    expect([answered, (await log()).length]).toEqual([50, 301])
  })

  test('refusals are not answered if the record that begins the sum cannot be written', async () => {
    await refuseTimes(300)
    fails = true
    await expect(refuse()).rejects.toThrow('down')
    await expect(refuse()).rejects.toThrow('down')
    fails = false
    await refuse()
    expect((await log()).filter(({ sum }) => sum && 'until' in sum)).toHaveLength(1)
  })

  test('a crash loses the count of a flood, and never that there was one', async () => {
    await refuseTimes(1_000)
    refusals = createRefusals()
    await refuse()
    expect((await log()).filter(({ sum }) => sum !== undefined)).toMatchObject([
      { reason: 'token_missing', net: { prefix: HOME }, sum: { until: '2026-11-27T00:01:00.000Z' } },
    ])
  })

  test('a sum that no store takes goes to onUnrecorded with the status that was answered', async () => {
    vi.spyOn(console, 'error').mockReturnValue()
    await refuseTimes(400)
    fails = true
    await refusals.flush()
    expect(unrecorded).toMatchObject([{ status: 401, sum: { count: 99 } }])
  })
})

describe('when sums are written', () => {
  test('a flood that ends has its sum written within 30 seconds, as Workers end a request then', async () => {
    for (let second = 0; second < 25; second++) {
      await refuseTimes(100)
      await vi.advanceTimersByTimeAsync(1_000)
    }
    await vi.advanceTimersByTimeAsync(29_000)
    expect(await accounted()).toBe(2_500)
  })

  test('a flood that goes on has one sum a minute', async () => {
    for (let second = 0; second < 179; second++) {
      await refuseTimes(10)
      await vi.advanceTimersByTimeAsync(1_000)
    }
    expect((await sums()).length).toBe(2)
  })

  test('the next refusal from anywhere writes a sum whose request Workers have ended', async () => {
    await refuseTimes(400)
    // No timer of an ended request fires.
    vi.clearAllTimers()
    vi.setSystemTime(Date.now() + 61_000)
    kept = []
    await refuse({ prefix: '198.51.100.0/24' })
    await Promise.all(kept)
    expect(await sums()).toMatchObject([{ count: 99 } satisfies Partial<RefusalSum>])
  })
})
