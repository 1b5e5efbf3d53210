import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { INTROSPECTION } from '../../src/authenticate/introspection/introspector.ts'
import { OpaqueTokens } from '../../src/authenticate/introspection/opaque-tokens.ts'
import { usableKeys } from '../../src/authenticate/keys/usable-keys.ts'
import { TokenVerifier } from '../../src/authenticate/token-verifier.ts'
import { TrustedIssuers } from '../../src/authenticate/trusted-issuers.ts'
import { Refusal } from '../../src/refusal.ts'
import { contextOf } from '../support/context.ts'
import { sample } from '../support/sample.ts'

// An issuer that is asked about tokens, good ones and a flood of made-up ones, while it fails and revokes.

const { activeFor, limits, timeout } = INTROSPECTION
const VIEWERS = 6

/** What happens next, so many milliseconds later. */
interface Step {
  readonly pause: number
  readonly event: 'visit' | 'flood' | 'revoke' | 'up' | 'down' | 'hang' | 'gone'
  /** Whose token is shown or revoked. */
  readonly viewer: number
  /** How long the issuer takes from then on. */
  readonly delay: number
}

const step: fc.Arbitrary<Step> = fc.record({
  pause: fc.oneof(
    { weight: 4, arbitrary: fc.nat(200) },
    { weight: 3, arbitrary: fc.nat(3_000) },
    { weight: 2, arbitrary: fc.integer({ min: 3_000, max: 70_000 }) },
  ),
  event: fc.oneof(
    { weight: 6, arbitrary: fc.constant<'visit'>('visit') },
    { weight: 3, arbitrary: fc.constantFrom<'flood' | 'up'>('flood', 'up') },
    {
      weight: 2,
      arbitrary: fc.constantFrom<'revoke' | 'down' | 'hang' | 'gone'>('revoke', 'down', 'hang', 'gone'),
    },
  ),
  viewer: fc.nat(VIEWERS - 1),
  delay: fc.oneof(fc.constant(20), fc.integer({ min: 1, max: timeout - 1 })),
})

interface Call {
  readonly token: string
  readonly begun: number
  ended: number
}
interface Visit {
  readonly token: string
  readonly came: number
  left: number
  outcome: 'accepted' | 'refused' | 'failed'
}

/** Lets it all happen. */
async function play(steps: readonly Step[]) {
  const revoked = new Map<string, number>()
  const calls: Call[] = []
  const visits: Visit[] = []
  const works: Promise<unknown>[] = []
  let state: 'up' | 'down' | 'hang' | 'gone' = 'up'
  let delay = 20
  let madeUp = 0
  const options = {
    ...INTROSPECTION,
    warn: () => {},
    fetch: async (_: unknown, init: RequestInit = {}) => {
      const token = new URLSearchParams(String(init.body)).get('token') ?? ''
      const call: Call = { token, begun: Date.now(), ended: Number.POSITIVE_INFINITY }
      calls.push(call)
      const then = state
      // On Workers, what a request began that was cut off never ends at all.
      if (then === 'gone') await new Promise(() => {})
      await new Promise(resolve => setTimeout(resolve, then === 'hang' ? timeout : delay))
      call.ended = Date.now()
      if (then !== 'up') throw new Error(then)
      const active = token.startsWith('viewer') && !revoked.has(token)
      return Response.json(
        active ? { active, sub: token, aud: 'recordings', exp: 4_000_000_000 } : { active },
      )
    },
  }
  const introspection = { url: 'https://idp.test/introspect', client_id: 'gate', client_secret: 'SECRET' }
  const keys = async () => usableKeys(undefined)
  const issuers = new TrustedIssuers(
    [{ issuer: 'https://idp.test/', audience: 'recordings', introspection }],
    () => ({ current: keys, newer: keys }),
  )
  const tokens = new TokenVerifier(issuers, undefined, new OpaqueTokens(issuers, options))
  const visit = async (token: string) => {
    const one: Visit = { token, came: Date.now(), left: Number.POSITIVE_INFINITY, outcome: 'failed' }
    visits.push(one)
    await tokens.verify({ token, places: [] }, contextOf({ at: one.came })).then(
      outcome => {
        one.outcome = outcome instanceof Refusal ? 'refused' : 'accepted'
      },
      () => {},
    )
    one.left = Date.now()
  }
  for (const { pause, event, viewer, delay: next } of steps) {
    await vi.advanceTimersByTimeAsync(pause)
    const token = `viewer-${viewer}`
    if (event === 'visit') works.push(visit(token), visit(token))
    else if (event === 'flood') for (let i = 0; i < 60; i++) works.push(visit(`made-up-${madeUp++}`))
    else if (event === 'revoke') revoked.set(token, revoked.get(token) ?? Date.now())
    else state = event
    delay = next
    // A body is read in turns of the event loop, whatever the clock says.
    await new Promise(resolve => setImmediate(resolve))
  }
  for (let i = 0; i < 5; i++) {
    await vi.advanceTimersByTimeAsync(timeout)
    await new Promise(resolve => setImmediate(resolve))
  }
  await Promise.all(works)
  return { revoked, calls, visits }
}

beforeEach(() => {
  vi.useFakeTimers({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  // At once, so that a call begins when its request comes.
  vi.spyOn(crypto.subtle, 'digest').mockImplementation(
    async (_, bytes) =>
      Uint8Array.from(
        createHash('sha256')
          .update(new Uint8Array(bytes as ArrayBuffer))
          .digest(),
      ).buffer,
  )
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('whatever callers send and the issuer does, calls stay within their limits and a revoked token opens no longer than a minute', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async steps => {
      const { revoked, calls, visits } = await play(steps)
      for (const { begun, token } of calls) {
        const within = (milliseconds: number) =>
          calls.filter(other => other.begun <= begun && begun - other.begun < milliseconds)
        expect(within(1_000).length).toBeLessThanOrEqual(limits.perSecond)
        // A call that was cut off counts for as long as one may take.
        const underWay = within(limits.timeout).filter(({ ended }) => ended > begun)
        expect(underWay.length).toBeLessThanOrEqual(limits.underWay)
        expect(underWay.filter(other => other.token === token)).toHaveLength(1)
      }
      for (const { token, came, left, outcome } of visits) {
        expect(left - came).toBeLessThanOrEqual(limits.timeout)
        if (outcome === 'failed') continue
        const since = revoked.get(token) ?? Number.POSITIVE_INFINITY
        if (outcome === 'accepted') {
          expect(token).toMatch(/^viewer/)
          expect(came).toBeLessThan(since + activeFor)
        } else if (token.startsWith('viewer')) expect(left).toBeGreaterThanOrEqual(since)
      }
    }),
    sample(200, 10_000),
  )
}, 60_000)

test('viewers whose tokens were active before go on during a flood, two at a time', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          flood: fc.nat(120),
          delay: fc.integer({ min: 1, max: 400 }),
          pause: fc.integer({ min: 1, max: 300 }),
        }),
        {
          minLength: 1,
          maxLength: 20,
        },
      ),
      async rounds => {
        const visit = (viewer: number): Step => ({ pause: 0, event: 'visit', viewer, delay: 20 })
        const steps = [visit(0), visit(1), { ...visit(0), event: 'up', pause: activeFor } as const]
        for (const { flood, delay, pause } of rounds) {
          const floods = Array.from(
            { length: Math.ceil(flood / 60) },
            (): Step => ({ pause: 0, event: 'flood', viewer: 0, delay }),
          )
          steps.push(...floods, { pause, event: 'up', viewer: 0, delay } as const)
        }
        steps.push(visit(0), visit(1))
        const { visits } = await play(steps)
        expect(visits.slice(-4).map(({ outcome }) => outcome)).toEqual(
          Array.from({ length: 4 }, () => 'accepted'),
        )
      },
    ),
    sample(100, 5_000),
  )
}, 60_000)
