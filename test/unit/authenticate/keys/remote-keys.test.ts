import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { KEY_HTTP } from '../../../../src/authenticate/keys/fetch-keys.ts'
import { KEYS_FIX } from '../../../../src/authenticate/keys/key-fault.ts'
import { createUriLoader } from '../../../../src/authenticate/keys/load-keys.ts'
import {
  createRemoteKeys,
  REMOTE_KEYS,
  type RemoteKeysOptions,
} from '../../../../src/authenticate/keys/remote-keys.ts'
import { keySet, publicKey } from '../../../support/public-keys.ts'

const jwks = keySet
const UNAVAILABLE = { reason: 'keys_unavailable' }
const keep = () => {}

/** A key server whose answer can be changed, and which counts its visits. */
function server(answer: () => Response | Promise<Response>, more: Partial<RemoteKeysOptions> = {}) {
  const state = { visits: 0, answer, said: [] as string[] }
  const load = createUriLoader('https://idp.test/jwks', {
    ...KEY_HTTP,
    fetch: async () => {
      state.visits++
      return state.answer()
    },
  })
  const warn = (message: string) => void state.said.push(message)
  return { state, keys: createRemoteKeys(load, { ...REMOTE_KEYS, warn, ...more }) }
}
const serving =
  (...kids: string[]) =>
  () =>
    Response.json(jwks(...kids))
const down = () => new Response('down', { status: 500 })

describe('createRemoteKeys', () => {
  test('keys are fetched beside the requests from four fifths of their time on, so that no request waits', async () => {
    const { state, keys } = server(serving('a'))
    for (let now = 0; now <= 0.8 * REMOTE_KEYS.freshFor; now += 1000) await keys.current(now, keep)
    expect(state.visits).toBe(1)
    state.answer = serving('b')
    const works: Promise<unknown>[] = []
    expect(await keys.current(0.8 * REMOTE_KEYS.freshFor + 1, work => works.push(work))).toEqual(jwks('a'))
    expect(works).toHaveLength(1)
    await Promise.all(works)
    expect(await keys.current(0.8 * REMOTE_KEYS.freshFor + 2, keep)).toEqual(jwks('b'))
    expect(state.visits).toBe(2)
  })

  test('after a silence of any length, within a day or beyond it, the first request gets the newest keys', async () => {
    for (const silence of [1, 60_000, 3_600_000, REMOTE_KEYS.usableFor, 30 * REMOTE_KEYS.usableFor]) {
      const { state, keys } = server(serving('withdrawn'))
      await keys.current(0, keep)
      state.answer = serving('new')
      const later = REMOTE_KEYS.freshFor + silence
      const all = await Promise.all(Array.from({ length: 20 }, () => keys.current(later, keep)))
      for (const one of all) expect(one).toEqual(jwks('new'))
      expect(state.visits).toBe(2)
    }
  })

  test('a key set stays the same object while its keys are the same', async () => {
    const { keys } = server(serving('a'))
    expect(await keys.current(0, keep)).toBe(await keys.current(REMOTE_KEYS.freshFor + 1, keep))
  })

  test('keys are fetched once for many requests that ask at once', async () => {
    const { state, keys } = server(serving('a'))
    await Promise.all(Array.from({ length: 100 }, () => keys.current(0, keep)))
    expect(state.visits).toBe(1)
  })

  test('a rotated key is found at once, and a storm of unknown keys costs one fetch per interval', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(0, keep)
    state.answer = serving('a', 'b')
    expect(await keys.newer(1000, keep)).toEqual(jwks('a', 'b'))
    for (let later = 1; later < REMOTE_KEYS.seekEvery; later += 15) await keys.newer(1000 + later, keep)
    expect(state.visits).toBe(2)
    for (let i = 0; i < 100; i++) await keys.newer(1000 + REMOTE_KEYS.seekEvery + i, keep)
    expect(state.visits).toBe(3)
  })

  test('a key of a second rotation is found 15 seconds after the first was sought, whatever came in between', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(0, keep)
    state.answer = serving('b')
    expect(await keys.newer(1000, keep)).toEqual(jwks('b'))
    state.answer = serving('c')
    for (let later = 1001; later < 16_000; later += 333) {
      expect(await keys.newer(later, keep)).toEqual(jwks('b'))
    }
    expect(await keys.newer(16_000, keep)).toEqual(jwks('c'))
    expect(state.visits).toBe(3)
  })

  test('requests that seek a key while a fetch is in progress all get what it brings', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(0, keep)
    const answered = Promise.withResolvers<Response>()
    state.answer = () => answered.promise
    const all = [1, 2, 3, 4, 5].map(now => keys.newer(now, keep))
    answered.resolve(serving('b')())
    for (const one of await Promise.all(all)) expect(one).toEqual(jwks('b'))
    expect(state.visits).toBe(2)
  })

  test('a fetch that began before a key was published delays the search for it by 15 seconds from then at most', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(0, keep)
    const due = 0.9 * REMOTE_KEYS.freshFor
    const answered = Promise.withResolvers<Response>()
    state.answer = () => answered.promise
    await keys.current(due, keep)
    const sought = keys.newer(due + 4000, keep)
    answered.resolve(serving('a')())
    expect(await sought).toEqual(jwks('a'))
    state.answer = serving('b')
    expect(await keys.newer(due + REMOTE_KEYS.seekEvery - 1, keep)).toEqual(jwks('a'))
    expect(await keys.newer(due + REMOTE_KEYS.seekEvery, keep)).toEqual(jwks('b'))
  })

  test('a key that is missing from keys just fetched for the same request causes no second fetch', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(7, keep)
    await keys.newer(7, keep)
    expect(state.visits).toBe(1)
  })

  test('the last good keys are used in an outage for a day and no longer, with few fetches', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(0, keep)
    state.answer = down
    for (let now = REMOTE_KEYS.freshFor + 1; now < REMOTE_KEYS.freshFor + 60_000; now += 100) {
      expect(await keys.current(now, keep)).toEqual(jwks('a'))
    }
    expect(state.visits).toBeLessThanOrEqual(1 + 60_000 / REMOTE_KEYS.retryAfter)
    await expect(keys.current(REMOTE_KEYS.usableFor + 1, keep)).rejects.toMatchObject(UNAVAILABLE)
    state.answer = serving('b')
    expect(await keys.current(REMOTE_KEYS.usableFor + 1 + REMOTE_KEYS.retryAfter + 1, keep)).toEqual(
      jwks('b'),
    )
  })

  test('an unknown key during an outage is a fault of the gate, not of the token', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(0, keep)
    state.answer = down
    await expect(keys.newer(1, keep)).rejects.toMatchObject(UNAVAILABLE)
    await expect(keys.newer(2, keep)).rejects.toMatchObject(UNAVAILABLE)
    expect(state.visits).toBe(2)
    expect(await keys.current(3, keep)).toEqual(jwks('a'))
  })

  test('while fetches fail, unknown keys cause at most one fetch in ten seconds', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(0, keep)
    state.answer = down
    const due = 0.9 * REMOTE_KEYS.freshFor
    await keys.current(due, keep)
    await new Promise(resolve => setTimeout(resolve, 10))
    for (let later = 1; later <= REMOTE_KEYS.retryAfter; later += 50) {
      await expect(keys.newer(due + later, keep)).rejects.toMatchObject(UNAVAILABLE)
    }
    expect(state.visits).toBe(2)
    state.answer = serving('b')
    expect(await keys.newer(due + REMOTE_KEYS.retryAfter + 1, keep)).toEqual(jwks('b'))
  })

  test('the cause of a fault is that of the last fetch, and not of one before it', async () => {
    const { state, keys } = server(down, { timeout: 20, patience: 5 })
    await expect(keys.current(0, keep)).rejects.toMatchObject({
      cause: { message: 'https://idp.test/jwks answered with status 500', fix: KEYS_FIX },
    })
    state.answer = serving('a')
    await keys.current(REMOTE_KEYS.retryAfter + 1, keep)
    state.answer = () => new Promise(() => {})
    const late = REMOTE_KEYS.freshFor + 20_000
    await keys.current(late, keep)
    await expect(keys.newer(late + 1, keep)).rejects.toMatchObject({
      ...{ ...UNAVAILABLE, cause: { message: 'no answer in time' } },
    })
  })

  test('good keys outlive an empty set, and are used beside members of unknown kinds', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(0, keep)
    state.answer = () => Response.json({ keys: [] })
    await expect(keys.newer(1, keep)).rejects.toMatchObject(UNAVAILABLE)
    expect(await keys.current(REMOTE_KEYS.freshFor + 1, keep)).toEqual(jwks('a'))
    await new Promise(resolve => setTimeout(resolve, 50))
    state.answer = () => Response.json({ keys: [...jwks('c').keys, { kid: 'q', crv: 'ML-DSA' }, { kty: 1 }] })
    const later = 2 * REMOTE_KEYS.freshFor
    await keys.current(later, keep)
    await new Promise(resolve => setTimeout(resolve, 50))
    expect((await keys.current(later, keep)).keys).toEqual(jwks('c').keys)
  })

  test('a fetch that failed while the keys were fresh does not prolong their use once they are stale', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(0, keep)
    state.answer = down
    await keys.current(REMOTE_KEYS.freshFor - 1, keep)
    await new Promise(resolve => setTimeout(resolve, 10))
    state.answer = serving('b')
    expect(await keys.current(REMOTE_KEYS.freshFor + 1, keep)).toEqual(jwks('b'))
  })

  test('a fetch that was given up on brings back no keys that a later fetch found withdrawn', async () => {
    const { state, keys } = server(serving('old'))
    await keys.current(0, keep)
    const late = Promise.withResolvers<Response>()
    state.answer = () => late.promise
    await keys.current(0.9 * REMOTE_KEYS.freshFor, keep)
    state.answer = serving('new')
    expect(await keys.current(REMOTE_KEYS.freshFor + 1, keep)).toEqual(jwks('new'))
    late.resolve(serving('old')())
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(await keys.current(REMOTE_KEYS.freshFor + 2, keep)).toEqual(jwks('new'))
  })

  test('a fetch that never ends does not hold up later requests', async () => {
    const { state, keys } = server(() => new Promise<Response>(() => {}), { timeout: 50 })
    const first = Promise.allSettled([keys.current(0, keep), keys.current(0, keep)])
    state.answer = serving('a')
    await first
    expect(await keys.current(1, keep)).toEqual(jwks('a'))
  })

  test.each([
    ['an error', down],
    ['a redirect', () => new Response(null, { status: 302, headers: { Location: 'https://evil.test/' } })],
    ['HTML', () => new Response('<html>')],
    ['JSON that is not a key set', () => Response.json({ keys: 'none' })],
    [
      'keys of unusable kinds',
      () => Response.json({ keys: [{}, null, 1, { kty: 'oct', k: 'AA' }, { kty: 'RSA', use: 'enc' }] }),
    ],
    ['an empty set', () => Response.json({ keys: [] })],
    ['the JSON null', () => Response.json(null)],
    ['a good set of more than 256 KiB', () => Response.json({ ...jwks('a'), pad: 'x'.repeat(256 * 1024) })],
    [
      'a network failure',
      () => {
        throw new TypeError('connection refused')
      },
    ],
  ])('keys are unavailable if their first fetch yields %s', async (_, answer) => {
    const { keys } = server(answer)
    await expect(keys.current(0, keep)).rejects.toMatchObject(UNAVAILABLE)
  })
})

describe('what the operator reads', () => {
  test('a fetch that fails is reported with its cause and what is used in the meantime', async () => {
    const { state, keys } = server(down)
    await expect(keys.current(0, keep)).rejects.toMatchObject(UNAVAILABLE)
    state.answer = serving('a')
    await keys.current(20_000, keep)
    state.answer = down
    await expect(keys.newer(50_000, keep)).rejects.toMatchObject(UNAVAILABLE)
    expect(state.said).toEqual([
      `https://idp.test/jwks answered with status 500; there are no older ones. To fix it: ${KEYS_FIX}`,
      `https://idp.test/jwks answered with status 500; those fetched 30 s ago are used. To fix it: ${KEYS_FIX}`,
    ])
  })

  test('a key that cannot be used is reported once for each set, not for each fetch', async () => {
    const { state, keys } = server(() => Response.json({ keys: [publicKey('a'), { kty: 'RSA', kid: 'b' }] }))
    for (let round = 0; round < 3; round++) await keys.current(round * (REMOTE_KEYS.freshFor + 1), keep)
    expect(state.visits).toBe(3)
    expect(state.said).toEqual(['kid "b" is not used: it has no n and e'])
    state.answer = () => Response.json({ keys: [publicKey('a'), { kty: 'RSA', kid: 'c' }] })
    await keys.current(4 * REMOTE_KEYS.freshFor, keep)
    expect(state.said.slice(1)).toEqual(['kid "c" is not used: it has no n and e'])
  })
})

describe('waits for a key server', () => {
  const STALE = REMOTE_KEYS.freshFor + 1
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })
  /** What a promise settles with while no time passes, or `waits`. */
  const atOnce = (asked: Promise<unknown>) => {
    const outcome = asked.catch(error => error)
    return Promise.race([outcome, vi.advanceTimersByTimeAsync(0).then(() => 'waits')])
  }

  test.each([
    ['says nothing', () => new Promise<Response>(() => {})],
    ['is down', down],
  ])(
    'for ten seconds no request waits again for a key server that %s, even with an unknown key',
    async (_, answer) => {
      const { state, keys } = server(serving('a'))
      await keys.current(0, keep)
      state.answer = answer
      const first = keys.current(STALE, keep)
      await vi.advanceTimersByTimeAsync(REMOTE_KEYS.patience)
      expect(await first).toEqual(jwks('a'))
      // From then on it says nothing at all, and each request that asks it waits.
      state.answer = () => new Promise<Response>(() => {})
      for (let later = REMOTE_KEYS.patience; later < 12_000; later += 500) {
        expect(await atOnce(keys.current(STALE + later, keep))).toEqual(jwks('a'))
        expect(await atOnce(keys.newer(STALE + later, keep))).toMatchObject(UNAVAILABLE)
      }
      expect(await atOnce(keys.current(STALE + 12_000, keep))).toBe('waits')
    },
  )
})

describe('clock corrections', () => {
  const HOUR = 3_600_000
  const DAY = 24 * HOUR

  test.each([
    ['a day', DAY],
    ['ten minutes', 600_000],
  ])(
    'after a clock %s ahead is set right, a key that was withdrawn meanwhile is no longer used',
    async (_, ahead) => {
      const { state, keys } = server(serving('withdrawn'))
      await keys.current(DAY + ahead, keep)
      state.answer = serving('new')
      expect(await keys.current(DAY, keep)).toEqual(jwks('new'))
      for (let later = 0; later < 100; later += 1) await keys.current(DAY + later, keep)
      expect(state.visits).toBe(2)
    },
  )

  test('after the clock is set back, a new key is found, even if it was sought in vain before', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(2 * DAY, keep)
    await keys.newer(2 * DAY + 1, keep)
    await keys.current(DAY, keep)
    state.answer = serving('a', 'b')
    expect(await keys.newer(DAY + 1, keep)).toEqual(jwks('a', 'b'))
  })

  test('after the clock is set back, one request waits two seconds at most, then the older keys are used', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(2 * DAY, keep)
    state.answer = () => new Promise<Response>(() => {})
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      const first = keys.current(DAY, keep)
      await vi.advanceTimersByTimeAsync(REMOTE_KEYS.patience)
      expect(await first).toEqual(jwks('a'))
      expect(await keys.current(DAY + REMOTE_KEYS.patience, keep)).toEqual(jwks('a'))
    } finally {
      vi.useRealTimers()
    }
  })

  test('an outage before the clock was set back delays no fetch after it', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(2 * DAY, keep)
    state.answer = down
    await keys.current(2 * DAY + REMOTE_KEYS.freshFor + 1, keep)
    state.answer = serving('b')
    expect(await keys.current(DAY, keep)).toEqual(jwks('b'))
    state.answer = serving('c')
    expect(await keys.newer(DAY + 1, keep)).toEqual(jwks('c'))
  })

  test('a fetch from before the clock was set back, good or failed, changes neither the keys nor their time', async () => {
    for (const end of [serving('withdrawn'), down]) {
      const { state, keys } = server(serving('withdrawn'))
      await keys.current(2 * DAY, keep)
      const late = Promise.withResolvers<Response>()
      state.answer = () => late.promise
      const works: Promise<unknown>[] = []
      await keys.current(2 * DAY + 0.9 * REMOTE_KEYS.freshFor, work => works.push(work))
      state.answer = serving('new')
      expect(await keys.current(DAY, keep)).toEqual(jwks('new'))
      late.resolve(end())
      await Promise.all(works)
      expect(await keys.current(DAY + 1, keep)).toEqual(jwks('new'))
      state.answer = serving('newer')
      expect(await keys.newer(DAY + 2, keep)).toEqual(jwks('newer'))
    }
  })

  test('requests that ask for keys out of order are not taken for a clock that was set back', async () => {
    const { state, keys } = server(serving('a'))
    await keys.current(DAY, keep)
    await keys.current(DAY - 5000, keep)
    expect(state.visits).toBe(1)
  })
})
