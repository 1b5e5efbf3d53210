import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { KEY_HTTP } from '../../src/authenticate/keys/fetch-keys.ts'
import { createUriLoader } from '../../src/authenticate/keys/load-keys.ts'
import { createRemoteKeys, REMOTE_KEYS } from '../../src/authenticate/keys/remote-keys.ts'
import { type KeySet, usableKeys } from '../../src/authenticate/keys/usable-keys.ts'
import { TokenVerifier } from '../../src/authenticate/token-verifier.ts'
import { TrustedIssuers } from '../../src/authenticate/trusted-issuers.ts'
import { Refusal } from '../../src/refusal.ts'
import { contextOf } from '../support/context.ts'
import { createIssuer } from '../support/gate-client.ts'
import { keySet } from '../support/public-keys.ts'
import { sample } from '../support/sample.ts'

// Keys that rotate while they are asked for.

const { freshFor, usableFor, patience, retryAfter, timeout } = REMOTE_KEYS
/** How long a new key may be refused, in milliseconds, as SECURITY.md promises. */
const PROMISED = 15_000

/** What happens next, so many milliseconds later. */
interface Step {
  readonly pause: number
  readonly event: 'visit' | 'rotate' | 'up' | 'down' | 'hang' | 'gone'
  /** How long the server takes from then on. */
  readonly delay: number
}

const step: fc.Arbitrary<Step> = fc.record({
  pause: fc.oneof(
    { weight: 4, arbitrary: fc.nat(3_000) },
    { weight: 3, arbitrary: fc.integer({ min: 3_000, max: 15_000 }) },
    { weight: 3, arbitrary: fc.integer({ min: 60_000, max: 2 * freshFor }) },
    { weight: 1, arbitrary: fc.integer({ min: 3_600_000, max: 2 * usableFor }) },
  ),
  event: fc.oneof(
    { weight: 6, arbitrary: fc.constant<'visit'>('visit') },
    { weight: 3, arbitrary: fc.constantFrom<'rotate' | 'up'>('rotate', 'up') },
    { weight: 2, arbitrary: fc.constantFrom<'down' | 'hang' | 'gone'>('down', 'hang', 'gone') },
  ),
  delay: fc.oneof(fc.constant(20), fc.nat(timeout - 1)),
})

interface Fetch {
  readonly begun: number
  ended: number
  good: boolean
}
interface Visit {
  readonly came: number
  left: number
  /** Which set it was given: its number, or undefined where there was none. */
  set?: number
}

/** Lets it all happen. The n-th set was published from `published[n]` until `published[n + 1]`. */
async function play(steps: readonly Step[]) {
  const published = [0]
  const fetches: Fetch[] = []
  const visits: Visit[] = []
  const works: Promise<unknown>[] = []
  let state: 'up' | 'down' | 'hang' | 'gone' = 'up'
  let delay = 20
  const load = createUriLoader('https://idp.test/jwks', {
    ...KEY_HTTP,
    fetch: async () => {
      const fetch: Fetch = { begun: Date.now(), ended: Number.POSITIVE_INFINITY, good: false }
      fetches.push(fetch)
      const [then, set] = [state, published.length - 1]
      // On Workers, what a request began that was cut off never ends at all.
      if (then === 'gone') await new Promise(() => {})
      await new Promise(resolve => setTimeout(resolve, then === 'hang' ? timeout : delay))
      fetch.ended = Date.now()
      fetch.good = then === 'up'
      if (!fetch.good) throw new Error(then)
      return Response.json(keySet(String(set)))
    },
  })
  const keys = createRemoteKeys(load, { ...REMOTE_KEYS, warn: () => {} })
  const visit = async () => {
    const one: Visit = { came: Date.now(), left: Number.POSITIVE_INFINITY }
    visits.push(one)
    const set = await keys.current(one.came, () => {}).catch(() => undefined)
    one.left = Date.now()
    if (set !== undefined) one.set = Number(set.keys[0]?.kid)
  }
  for (const { pause, event, delay: next } of [{ pause: 0, event: 'visit', delay: 20 } as const, ...steps]) {
    await vi.advanceTimersByTimeAsync(pause)
    if (event === 'visit') works.push(visit())
    else if (event === 'rotate') published.push(Date.now())
    else state = event
    delay = next
    // What has happened by now is known by now: a body is read in turns of the event loop, whatever the clock says.
    await new Promise(resolve => setImmediate(resolve))
  }
  await vi.advanceTimersByTimeAsync(2 * timeout)
  await Promise.all(works)
  return { published, fetches, visits }
}

describe('key server', () => {
  // Visitors come in crowds and after nights of silence, under a clock that the test moves.
  beforeEach(() => void vi.useFakeTimers({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  test('a withdrawn key serves over ten minutes only while no newer keys can be fetched, and callers wait briefly', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async steps => {
        const { published, fetches, visits } = await play(steps)
        for (const { came, left, set } of visits) {
          const held = fetches.some(
            ({ good, ended, begun }) => good && ended <= came && came - begun <= usableFor,
          )
          // Who has keys to go by waits a little, once; who has none waits as long as a fetch may take.
          expect(left - came).toBeLessThanOrEqual(held ? patience : timeout + 500)
          if (held) expect(set).toBeDefined()
          if (set === undefined) continue
          const withdrawn = published[set + 1] ?? Number.POSITIVE_INFINITY
          // Who has none goes by what is fetched now, or not at all.
          if (!held) expect(came - withdrawn).toBeLessThanOrEqual(timeout + 500)
          if (came - withdrawn <= freshFor) continue
          // No later fetch had brought newer ones, and one failed or was waited for in vain just now.
          expect(
            fetches.filter(({ good, begun, ended }) => good && begun > withdrawn && ended < came),
          ).toEqual([])
          const failed = fetches.some(one => {
            return !one.good && one.ended <= left && came - one.ended <= patience + retryAfter
          })
          const waited = visits.some(one => one.came <= came && came <= one.left + retryAfter && inVain(one))
          expect(failed || waited).toBe(true)
        }
        // After one who waited in vain nobody waits, unless there was news in between.
        for (const { left } of visits.filter(inVain)) {
          const news = fetches.filter(({ good, ended }) => good && ended > left).map(({ ended }) => ended)
          const calm = Math.min(left + retryAfter, ...news)
          for (const one of visits) {
            if (one.came > left && one.came < calm && one.set !== undefined) expect(one.left).toBe(one.came)
          }
        }

        function inVain(one: Visit): boolean {
          const forIt = fetches.some(({ begun, ended, good }) => {
            return begun <= one.came && one.came - begun <= timeout + 500 && !(good && ended <= one.left)
          })
          return forIt && one.set !== undefined && one.left - one.came === patience
        }
        // And whatever happens, the server is asked now and then.
        for (const { begun } of fetches) {
          expect(fetches.filter(other => Math.abs(other.begun - begun) < retryAfter).length).toBeLessThan(4)
        }
      }),
      sample(300, 20_000),
    )
  })
})

/** What a caller sends next, so many milliseconds later: a token of the newest key, or one that no key ever signed. */
interface Call {
  readonly pause: number
  readonly event: 'genuine' | 'forged' | 'rotate'
  /** How long the server takes from then on. */
  readonly delay: number
}
const call: fc.Arbitrary<Call> = fc.record({
  pause: fc.oneof(
    { weight: 5, arbitrary: fc.nat(900) },
    { weight: 4, arbitrary: fc.integer({ min: 1_000, max: PROMISED + 1_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 60_000, max: 2 * freshFor }) },
  ),
  event: fc.oneof(
    { weight: 5, arbitrary: fc.constant<'forged'>('forged') },
    { weight: 3, arbitrary: fc.constantFrom<'genuine' | 'rotate'>('genuine', 'rotate') },
  ),
  delay: fc.oneof({ weight: 2, arbitrary: fc.constant(20) }, fc.nat(timeout - 1)),
})

describe('forged tokens between rotations', () => {
  beforeEach(() => void vi.useFakeTimers({ now: 0, toFake: ['setTimeout', 'clearTimeout', 'Date'] }))
  afterEach(() => void vi.useRealTimers())

  test('a new key is refused for 15 seconds at most, and no tokens cause more than one search in 15 seconds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 60 }), async calls => {
        const fetches: { begun: number; ended: number }[] = []
        const refused: { came: number; published: number }[] = []
        const faults: number[] = []
        let [delay, version, published] = [20, 0, 0]
        const load = createUriLoader('https://idp.test/jwks', {
          ...KEY_HTTP,
          fetch: async () => {
            const one = { begun: Date.now(), ended: Number.POSITIVE_INFINITY }
            fetches.push(one)
            // The old key goes as the new one comes. Often both have the same id, so that only the signature is bad.
            const served = Response.json(keySet(String(version)))
            await new Promise(resolve => setTimeout(resolve, delay))
            one.ended = Date.now()
            return served
          },
        })
        const keys = createRemoteKeys(load, { ...REMOTE_KEYS, warn: () => {} })
        // As a token is verified: with the keys in force, and if they can't, with newer ones.
        const show = async (key: number | undefined) => {
          const came = Date.now()
          const since = published
          const has = ({ keys: [one] }: KeySet) => key !== undefined && Number(one?.kid) >= key
          if (has(await keys.current(came, () => {}))) return
          const newer = await keys.newer(came, () => {}).catch(() => undefined)
          // If keys are due and their server takes over two seconds, callers don't wait, and the answer is a fault.
          if (newer === undefined) return void faults.push(Date.now())
          if (!has(newer) && key !== undefined) refused.push({ came, published: since })
        }
        const works = [show(undefined)]
        for (const { pause, event, delay: next } of calls) {
          await vi.advanceTimersByTimeAsync(pause)
          if (event === 'genuine') works.push(show(version))
          else if (event === 'forged') works.push(show(undefined))
          else {
            version += 1
            published = Date.now()
          }
          delay = next
          await new Promise(resolve => setImmediate(resolve))
        }
        await vi.advanceTimersByTimeAsync(2 * timeout)
        await Promise.all(works)
        for (const { came, published: since } of refused) expect(came - since).toBeLessThanOrEqual(PROMISED)
        for (const at of faults) {
          expect(fetches.some(({ begun, ended }) => begun <= at && at <= ended)).toBe(true)
        }
        const begun = fetches.map(one => one.begun)
        // Searches, and the fetches of keys that are due.
        for (const from of begun) {
          const near = begun.filter(at => at >= from && at < from + PROMISED)
          expect(near.length).toBeLessThanOrEqual(2)
        }
        const [first = 0, last = 0] = [begun[0], begun.at(-1)]
        const most = 2 + (last - first) / PROMISED + (last - first) / (0.8 * freshFor)
        expect(begun.length).toBeLessThanOrEqual(most)
      }),
      sample(300, 20_000),
    )
  })
})

test('a token is accepted by the keys in force, whatever sets came and went while it was verified', async () => {
  const [first, second] = await Promise.all(
    ['first', 'second'].map(kid => createIssuer('https://login.clinic.test/', 'recordings', kid)),
  )
  if (first === undefined || second === undefined) throw new Error('two issuers were to be made')
  const texts = await Promise.all([first, first, second, second].map(idp => idp.token('patient-1')))
  const [one, two] = [first, second].map(({ jwks }) => usableKeys(jwks)) as [KeySet, KeySet]
  const sets = [one, two]

  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat(1), { maxLength: 24 }),
      fc.array(fc.nat(3), { minLength: 1, maxLength: 12 }),
      async (published, shown) => {
        // Each look at the keys may find others than the one before: that is what a fetch beside the request does.
        const script = [...published]
        let inForce = one
        const look = async () => {
          const next = script.shift()
          if (next !== undefined) inForce = next === 0 ? one : two
          return inForce
        }
        const issuer = { issuer: first.issuer, audience: 'recordings', algorithms: ['ES256'] as const }
        const tokens = new TokenVerifier(new TrustedIssuers([issuer], () => ({ current: look, newer: look })))
        const taken = async (text: string) =>
          !(
            (await tokens.verify({ token: text, places: [] }, contextOf({ at: Date.now() }))) instanceof
            Refusal
          )
        await Promise.all(shown.map(one => taken(texts[one] ?? '')))
        script.length = 0
        for (const [index, text] of texts.entries()) {
          expect(await taken(text)).toBe(inForce === sets[index < 2 ? 0 : 1])
        }
      },
    ),
    sample(200, 5_000),
  )
})
