import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { callerNetwork } from '../../src/base/network.ts'
import type { AccessEvent } from '../../src/index.ts'
import type { AccessFacts } from '../../src/ledger/event.ts'
import type { RefusalRecorder } from '../../src/ledger/refusals/coalesce.ts'
import { createMemoryLedger } from '../../src/runtime/memory/index.ts'
import { contextOf } from '../support/context.ts'
import { createMoodyRefusals, type Mood } from '../support/moody-refusals.ts'
import { sample } from '../support/sample.ts'

// Refusals as they come: bunched, spread over several windows, held back by a slow body or a slow store, while the ledger
// is well, slow or down. The clock is a false one, so that an hour takes a moment.

interface Arrival {
  readonly at: number
  /** How long the request is held back before it is refused. */
  readonly held: number
  readonly who: string
  readonly path: string
  readonly net: string
  /** What only the gate knows. */
  readonly reason: AccessFacts['reason']
  readonly owner: string | undefined
}
/** What the ledger does with what it is given from a moment on. */
interface MoodFrom extends Required<Mood> {
  readonly from: number
}

const NOWHERE = callerNetwork(() => ({}))
const moment = fc.oneof(
  fc.nat(2_000),
  // About the end of the first window, where a run is over while a refusal waits.
  fc.integer({ min: 15_000, max: 21_000 }),
  fc.nat(70_000),
)
const secret = fc.record({
  reason: fc.constantFrom('not_owner', 'recording_unknown', 'recording_unbound', 'tenant_mismatch'),
  owner: fc.constantFrom(undefined, 'patient-1', 'patient-2'),
}) as fc.Arbitrary<Pick<Arrival, 'reason' | 'owner'>>
const visible = fc.record({
  at: moment,
  held: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, moment),
  who: fc.constantFrom('patient-8', 'patient-9'),
  path: fc.constantFrom('rec-1', 'rec-1', 'rec-1', 'other/rec-1'),
  net: fc.constantFrom('203.0.113.0/24', '203.0.113.0/24', '198.51.100.0/24'),
})
const moods = fc.array(
  fc.record({ from: moment, takes: fc.constantFrom(0, 0, 3, 300, 4_000, 7_000), fails: fc.boolean() }),
  { maxLength: 4 },
)
const world = fc
  .array(fc.tuple(visible, secret), { minLength: 4, maxLength: 60 })
  .map(arrivals => arrivals.sort(([a], [b]) => a.at + a.held - (b.at + b.held)))

interface Outcome {
  /** What each caller saw, by arrival: the id and when to ask again, or that it failed. */
  readonly answers: readonly string[]
  readonly records: readonly AccessEvent[]
  /** What no store took. */
  readonly lost: readonly AccessEvent[]
}

async function play(arrivals: readonly Arrival[], weather: readonly MoodFrom[]): Promise<Outcome> {
  vi.setSystemTime(0)
  const inner = createMemoryLedger()
  const lost: AccessEvent[] = []
  const refusals = createMoodyRefusals(
    inner,
    () => weather.findLast(({ from }) => from <= Date.now()) ?? {},
    event => lost.push(event),
  )
  const answers = await answersOf(arrivals, refusals)
  await refusals.flush()
  const { entries } = await inner.read({ limit: 1000 })
  return { answers, lost, records: entries.map(({ json }) => JSON.parse(json) as AccessEvent) }
}

async function answersOf(
  arrivals: readonly Arrival[],
  refusals: RefusalRecorder,
): Promise<readonly string[]> {
  const request = new Request('https://gate.test/')
  const answers: string[] = []
  for (const [i, { at, held, who, path, net, reason, owner }] of arrivals.entries()) {
    const subject = { id: who, issuer: 'https://idp.test/', roles: [], token: `token of ${who}` }
    const context = contextOf({
      ...{ at, request, subject, now: Date.now, network: () => ({ ...NOWHERE, prefix: net }) },
      ref: { recording: 'rec-1', key: path },
      ...(owner !== undefined && { ownership: { owner, issuer: 'https://idp.test/' } }),
    })
    const facts: AccessFacts = { kind: 'access', decision: 'deny', reason, status: 404, method: 'GET' }
    setTimeout(async () => {
      const answer = refusals.record(context, facts, `${i}`)
      answers[i] = await answer.then(
        ({ id, retryAfter }) => `${id} ${retryAfter ?? '-'}`,
        () => 'failed',
      )
    }, at + held)
  }
  await vi.runAllTimersAsync()
  return answers
}

const sum = (events: readonly AccessEvent[]): number =>
  events.reduce((total, { repeats }) => total + (repeats && 'count' in repeats ? repeats.count : 1), 0)
const about = ({ reason, owner, net, subject }: AccessEvent): string =>
  [reason, owner, net?.prefix, subject].join(' ')

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

test('what a caller sees of refusals does not depend on what only the log may say', async () => {
  await fc.assert(
    fc.asyncProperty(world, moods, async (arrivals, weather) => {
      const one = await play(
        arrivals.map(([seen]) => ({ ...seen, reason: 'recording_unknown', owner: undefined })),
        weather,
      )
      const other = await play(
        arrivals.map(([seen, hidden]) => ({ ...seen, ...hidden })),
        weather,
      )
      expect(other.answers).toEqual(one.answers)
    }),
    sample(300, 20_000),
  )
})

test('no denial without a record: records and counts are as many as refusals, each under its own reason', async () => {
  await fc.assert(
    fc.asyncProperty(world, moods, async (arrivals, weather) => {
      const all = arrivals.map(([seen, hidden]) => ({ ...seen, ...hidden }))
      const slow = weather.map(mood => ({ ...mood, fails: false }))
      const { answers, records } = await play(all, slow)
      expect(sum(records)).toBe(all.length)
      for (const kind of new Set(records.map(about))) {
        const such = all.filter(({ reason, owner, net, who }) => {
          const names = [reason, owner && `subject:${owner}`, net, `subject:${who}`]
          return names.join(' ') === kind
        })
        expect(sum(records.filter(one => about(one) === kind))).toBe(such.length)
      }
      const ids = new Set(records.map(({ id }) => id))
      for (const answer of answers) expect(ids).toContain(answer.split(' ')[0])
    }),
    sample(300, 20_000),
  )
})

test('no denial without a record: onUnrecorded gets what a failing ledger does not take', async () => {
  await fc.assert(
    fc.asyncProperty(world, moods, async (arrivals, weather) => {
      const all = arrivals.map(([seen, hidden]) => ({ ...seen, ...hidden }))
      const { answers, records, lost } = await play(all, weather)
      expect(sum(records)).toBeLessThanOrEqual(all.length)
      expect(sum(records) + sum(lost)).toBeGreaterThanOrEqual(all.length)
      // An id that a caller can quote is always found.
      const ids = new Set(records.map(({ id }) => id))
      for (const answer of answers.filter(one => one !== 'failed')) {
        expect(ids).toContain(answer.split(' ')[0])
      }
    }),
    sample(300, 20_000),
  )
})
