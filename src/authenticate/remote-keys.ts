import type { JSONWebKeySet } from 'jose'
import { LruCache } from '../base/lru-cache.ts'
import { type WaitUntil, withTimeout } from '../base/timeout.ts'
import { Fault } from '../refusal.ts'
import { type FetchKeysOptions, fetchKeys } from './fetch-keys.ts'
import type { KeySource } from './key-source.ts'

/** How fetched keys are kept. Times in milliseconds. */
export interface RemoteKeysOptions extends FetchKeysOptions {
  /**
   * How old keys may be before a request waits for newer ones. After four fifths of this time they are fetched in the
   * background, so that under load no request ever waits.
   */
  readonly freshFor: number
  /** How long a request waits for newer keys if it has older ones. If they don't come in time, it uses the older ones. */
  readonly patience: number
  /** How old keys may be before they are no longer used. Until then patients notice nothing of an outage. */
  readonly usableFor: number
  /** After a fetch failed, no other one starts for this long, and no request waits for one. */
  readonly retryAfter: number
  /** At most one fetch in this time starts because of an unknown key id. */
  readonly seekEvery: number
  /** How long a key id is not looked for again. */
  readonly missingFor: number
  /** Called if keys can't be fetched, with a message that contains no secret. */
  readonly warn: (message: string) => void
}

/** Defaults that suit common identity providers. */
export const REMOTE_KEYS: RemoteKeysOptions = {
  freshFor: 10 * 60_000,
  patience: 2_000,
  usableFor: 24 * 3_600_000,
  timeout: 5_000,
  retryAfter: 10_000,
  seekEvery: 30_000,
  missingFor: 60_000,
  maxBytes: 256 * 1024,
  // Looked up at each call, not bound now: the runtime may instrument or replace it.
  fetch: (input, init) => globalThis.fetch(input, init),
  // biome-ignore lint/suspicious/noConsole: an operator must hear of an outage that patients don't notice
  warn: message => console.warn(message),
}

/** The share of `freshFor` after which keys are fetched in the background. */
const FETCH_FROM = 0.8
/** Most key ids whose search is remembered. */
const MAX_SOUGHT = 256
/** How much longer than its timeout a fetch is waited for, in milliseconds, so that it can report what failed. */
const FETCH_GRACE = 500
/**
 * Requests may arrive here in another order than at the gate, in milliseconds. A larger step back means that the clock
 * was set back.
 */
const OUT_OF_ORDER = 60_000

/** Creates a source of keys that are fetched from a `jwks_uri` and kept in this isolate. */
export function createRemoteKeys(uri: string, options: RemoteKeysOptions = REMOTE_KEYS): KeySource {
  return new RemoteKeys(uri, options)
}

/** A fetch in progress. */
interface Fetching {
  readonly begun: number
  /** Never rejects. */
  readonly over: Promise<void>
}

class RemoteKeys implements KeySource {
  readonly #uri: string
  readonly #options: RemoteKeysOptions
  #keys: JSONWebKeySet | undefined
  /** When the fetch began that returned the keys: they are at least as new as that. */
  #fetchedAt = Number.NEGATIVE_INFINITY
  /** When the last failed fetch began. */
  #failedAt = Number.NEGATIVE_INFINITY
  /** Until then no request that has older keys waits for a fetch. */
  #waitAgainAt = Number.NEGATIVE_INFINITY
  #underWay: Fetching | undefined
  /** The time of the latest request, by the present clock. */
  #latest = Number.NEGATIVE_INFINITY
  #soughtAt = Number.NEGATIVE_INFINITY
  /** When each key id was looked for and the key server answered. */
  #sought = new LruCache<number>(MAX_SOUGHT)

  constructor(uri: string, options: RemoteKeysOptions) {
    this.#uri = uri
    this.#options = options
  }

  async current(now: number, waitUntil: WaitUntil): Promise<JSONWebKeySet> {
    const { freshFor, usableFor, patience } = this.#options
    this.#followClock(now)
    const age = now - this.#fetchedAt
    if (age <= FETCH_FROM * freshFor) return this.#usable(now)
    const usable = age <= usableFor
    // Keys that were fresh when a fetch failed may be too old now: then the failure doesn't excuse using them.
    const overdue = usable && age > freshFor && now >= this.#waitAgainAt
    if (overdue || this.#mayFetch(now)) {
      const fetching = this.#fetch(now, waitUntil)
      if (!usable) await this.#waitFor(fetching)
      else if (overdue) {
        await withTimeout(patience, fetching.over).catch(() => {})
        if (now - this.#fetchedAt > freshFor) this.#stopWaiting(now)
      }
    }
    return this.#usable(now)
  }

  async seeking(kid: string, now: number, waitUntil: WaitUntil): Promise<JSONWebKeySet> {
    const { missingFor, seekEvery } = this.#options
    this.#followClock(now)
    const isMissing = now - (this.#sought.get(kid) ?? Number.NEGATIVE_INFINITY) <= missingFor
    const mayWait = this.#mayFetch(now) && now >= this.#waitAgainAt
    // Keys that were fetched after this request came can't be outdated.
    const older = this.#fetchedAt < now
    if (older && !isMissing && mayWait && now - this.#soughtAt > seekEvery) {
      this.#soughtAt = now
      await this.#waitFor(this.#fetch(now, waitUntil))
      if (this.#fetchedAt >= now) this.#sought.set(kid, now)
    }
    // The key may exist while its server is down: that is not the fault of the token.
    if (this.#failedAt > this.#fetchedAt || now < this.#waitAgainAt) {
      throw new Fault('keys_unavailable')
    }
    return this.#usable(now)
  }

  /**
   * Notices that the clock was set back. Times from before then are worthless: a withdrawn key would stay in use for as
   * long as the clock was ahead. So the keys count as due, and nothing is postponed any longer.
   */
  #followClock(now: number): void {
    if (now >= this.#latest - OUT_OF_ORDER) {
      this.#latest = Math.max(this.#latest, now)
      return
    }
    this.#latest = now
    this.#fetchedAt = Math.min(this.#fetchedAt, now - this.#options.freshFor - 1)
    this.#failedAt = Number.NEGATIVE_INFINITY
    this.#waitAgainAt = Number.NEGATIVE_INFINITY
    this.#soughtAt = Number.NEGATIVE_INFINITY
    this.#sought = new LruCache(MAX_SOUGHT)
    this.#underWay = undefined
  }

  #usable(now: number): JSONWebKeySet {
    if (this.#keys === undefined || now - this.#fetchedAt > this.#options.usableFor) {
      throw new Fault('keys_unavailable')
    }
    return this.#keys
  }

  #mayFetch(now: number): boolean {
    return now - this.#failedAt > this.#options.retryAfter
  }

  #stopWaiting(now: number): void {
    const { patience, retryAfter } = this.#options
    // Counted from the end of a request's vain wait, not from its start.
    this.#waitAgainAt = Math.max(this.#waitAgainAt, now + patience + retryAfter)
  }

  /** Starts a fetch, or joins the one in progress: an isolate has one at a time. */
  #fetch(now: number, waitUntil: WaitUntil): Fetching {
    const known = this.#underWay
    // A fetch that is too old was cut off with the request that started it. On Workers its promise never settles.
    if (known !== undefined && now - known.begun <= this.#options.timeout + FETCH_GRACE) return known
    const over = this.#refresh(now).finally(() => {
      if (this.#underWay === fetching) this.#underWay = undefined
    })
    const fetching: Fetching = { begun: now, over }
    this.#underWay = fetching
    waitUntil(over)
    return fetching
  }

  /** Waits for a fetch by a timer of this request's own, and gives up on one that takes too long. */
  async #waitFor(fetching: Fetching): Promise<void> {
    await withTimeout(this.#options.timeout + FETCH_GRACE, fetching.over).catch(() => {
      if (this.#underWay === fetching) this.#underWay = undefined
    })
  }

  async #refresh(begun: number): Promise<void> {
    try {
      const fetched = await fetchKeys(this.#uri, this.#options)
      // A fetch that was given up on may still end. It must not bring back keys that a later one found withdrawn. Nor may
      // one that began before the clock was set back bring back its time.
      if (begun < this.#fetchedAt || begun > this.#latest) return
      // Equal keys stay the same object, so that what was imported from them stays in use.
      if (JSON.stringify(fetched) !== JSON.stringify(this.#keys)) this.#keys = fetched
      this.#fetchedAt = begun
      this.#waitAgainAt = Number.NEGATIVE_INFINITY
    } catch (error) {
      if (begun > this.#latest) return
      this.#failedAt = Math.max(this.#failedAt, begun)
      const age = begun - this.#fetchedAt
      if (age > this.#options.freshFor) this.#stopWaiting(begun)
      const held =
        this.#keys === undefined
          ? 'there are no older ones'
          : `those fetched ${Math.round(age / 1000)} s ago are used`
      this.#options.warn(`keys of ${this.#uri} can't be fetched (${(error as Error).message}); ${held}`)
    }
  }
}
