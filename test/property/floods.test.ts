import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { COALESCED_SLOTS, untilTimingSlot } from '../../src/base/timing-slot.ts'
import type { AccessEvent } from '../../src/index.ts'
import type { AccessFacts } from '../../src/ledger/event.ts'
import { eventId } from '../../src/ledger/event-id.ts'
import { RequestContext } from '../../src/request-context.ts'
import { createMemoryLedger } from '../../src/runtime/memory/index.ts'
import { createMoodyRefusals, type Mood } from '../support/moody-refusals.ts'
import { sample } from '../support/sample.ts'

// A flood of refusals from one network, while the ledger is well, slow or down. Some of its tokens prove by a good
// signature whose they are: only the log may say so. The clock is a false one.

interface Arrival {
  readonly at: number
  /** How long the request is held back before it is refused. */
  readonly held: number
  readonly path: string
  /** The last number of the address. */
  readonly host: number
  readonly hidden: Hidden
}
/** What only the gate knows. */
interface Hidden {
  readonly reason: AccessFacts['reason']
  readonly proof: 'none' | 'subject' | 'issuer' | 'ticket'
}
/** What the ledger does with what it is given from a moment on. */
interface MoodFrom extends Required<Mood> {
  readonly from: number
}

// Without credentials: a hash of these would take time that is not the false clock's.
const REQUEST = new Request('https://gate.test/')
const NOTHING: Hidden = { reason: 'token_malformed', proof: 'none' }
const moment = fc.oneof(fc.nat(300), fc.nat(3_000), fc.integer({ min: 55_000, max: 62_000 }), fc.nat(200_000))
const hidden: fc.Arbitrary<Hidden> = fc.record({
  reason: fc.constantFrom('token_malformed', 'token_signature', 'token_expired', 'token_issuer'),
  proof: fc.constantFrom('none', 'none', 'subject', 'issuer', 'ticket'),
})
const arrival: fc.Arbitrary<Arrival> = fc.record({
  ...{ at: moment, held: fc.constantFrom(0, 0, 0, 40, 60, 130), hidden },
  path: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  host: fc.constantFrom(7, 7, 8),
})
const moods = fc.array(
  fc.record({ from: moment, takes: fc.constantFrom(0, 0, 3, 80, 300, 4_000), fails: fc.boolean() }),
  { maxLength: 4 },
)
/** A burst that begins the flood, and what comes after. */
const world = fc.tuple(
  fc.integer({ min: 290, max: 310 }),
  fc.array(hidden, { maxLength: 10 }),
  fc.array(arrival),
)

function arrivalsOf([size, first, rest]: [number, Hidden[], Arrival[]]): readonly Arrival[] {
  const burst = Array.from(
    { length: size },
    (_, i): Arrival => ({
      ...{ at: 0, held: 0, path: `made-up-${i}`, host: 7, hidden: first[size - i] ?? NOTHING },
    }),
  )
  return [...burst, ...rest]
}

async function play(arrivals: readonly Arrival[], weather: readonly MoodFrom[]) {
  vi.setSystemTime(0)
  const inner = createMemoryLedger()
  const lost: AccessEvent[] = []
  const refusals = createMoodyRefusals(
    inner,
    () => weather.findLast(({ from }) => from <= Date.now()) ?? {},
    event => lost.push(event),
  )
  const answers: string[] = []
  for (const [i, one] of arrivals.entries()) {
    setTimeout(() => {
      const context = contextOf(one)
      const facts: AccessFacts = {
        ...{ kind: 'access', decision: 'deny', reason: one.hidden.reason, status: 401, method: 'GET' },
      }
      const id = eventId(Date.now())
      void refusals.record(context, facts, id).then(
        recorded => {
          const passed = Date.now() - one.at
          const leaves = passed + (recorded.isPaced ? untilTimingSlot(passed, COALESCED_SLOTS) : 0)
          answers[i] = `${recorded.id === id ? 'its own' : 'that of others'} ${recorded.retryAfter} ${leaves}`
        },
        () => {
          answers[i] = `failed ${Date.now() - one.at}`
        },
      )
    }, one.at + one.held)
  }
  await vi.runAllTimersAsync()
  await refusals.flush()
  const { entries } = await inner.read({ limit: 10_000 })
  return { answers, lost, records: entries.map(({ json }) => JSON.parse(json) as AccessEvent) }
}

function contextOf({ at, path, host, hidden: { proof } }: Arrival): RequestContext {
  const issuer = 'https://idp.test/'
  const network = () => ({ ip: `203.0.113.${host}` })
  const context = new RequestContext({ request: REQUEST, waitUntil: () => {}, now: Date.now, network })
  return Object.assign(context, {
    ...{ at, ref: { recording: path, key: path } },
    ...(proof === 'subject' && { subject: { id: 'patient-2', issuer, roles: [], token: 'token-2' } }),
    ...(proof === 'issuer' && { token: { issuer } }),
    ...(proof === 'ticket' && { ticket: eventId(0) }),
  })
}

const weightOf = ({ repeats, sum }: AccessEvent) =>
  [repeats, sum].map(one => (one && 'count' in one ? one.count : 0)).reduce((a, b) => a + b) || 1
const total = (events: readonly AccessEvent[]) => events.map(weightOf).reduce((a, b) => a + b, 0)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  vi.spyOn(console, 'error').mockReturnValue()
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

test('neither the answers of a flood nor their times show which token was once good', async () => {
  await fc.assert(
    fc.asyncProperty(world, moods, async (flood, weather) => {
      const arrivals = arrivalsOf(flood)
      const plain = arrivals.map(one => ({ ...one, hidden: NOTHING }))
      const [shown, expected] = [await play(arrivals, weather), await play(plain, weather)]
      expect(shown.answers).toEqual(expected.answers)
    }),
    sample(60, 5_000),
  )
})

test('no denial without a record: records, sums and counts of a flood are as many as its refusals', async () => {
  await fc.assert(
    fc.asyncProperty(world, moods, async (flood, weather) => {
      const arrivals = arrivalsOf(flood)
      const { records } = await play(
        arrivals,
        weather.map(mood => ({ ...mood, fails: false })),
      )
      expect(total(records)).toBe(arrivals.length)
      for (const reason of new Set(arrivals.map(({ hidden }) => hidden.reason))) {
        const such = arrivals.filter(({ hidden }) => hidden.reason === reason).length
        expect(total(records.filter(one => one.reason === reason))).toBe(such)
      }
      const proven = arrivals.filter(({ hidden: { proof } }) => proof === 'subject')
      expect(total(records.filter(({ subject }) => subject !== undefined))).toBe(proven.length)
    }),
    sample(60, 5_000),
  )
})

test('no denial without a record: onUnrecorded gets what a failing ledger does not take of a flood', async () => {
  await fc.assert(
    fc.asyncProperty(world, moods, async (flood, weather) => {
      const arrivals = arrivalsOf(flood)
      const { records, lost } = await play(arrivals, weather)
      expect(total(records)).toBeLessThanOrEqual(arrivals.length)
      expect(total(records) + total(lost)).toBeGreaterThanOrEqual(arrivals.length)
    }),
    sample(60, 5_000),
  )
})
