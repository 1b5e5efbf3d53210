import { logToOperator } from '../../base/operator.ts'
import { type WaitUntil, withTimeout } from '../../base/timeout.ts'
import { Fault } from '../../refusal.ts'
import { describeError, KeyFault } from './key-fault.ts'
import type { KeySource } from './key-source.ts'
import type { LoadKeys } from './load-keys.ts'
import { describeBroken, type KeySet } from './usable-keys.ts'

/** How loaded keys are kept. Times in milliseconds. A fetch loads the keys once, with all the requests that it takes. */
export interface RemoteKeysOptions {
  /** The longest that a fetch may take. */
  readonly timeout: number
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
  /**
   * At most one fetch in this time starts because a token's signature is by no key in force. So a new key is refused for
   * no longer than this, whatever other tokens come, and whatever their key ids are.
   */
  readonly seekEvery: number
  /** Called with what the operator should know. Contains no secret. */
  readonly warn: (message: string) => void
  /** Called with the keys in force before and after other keys were loaded. Never rejects. */
  readonly changed: (before: KeySet, after: KeySet) => Promise<void>
  /** Called after each fetch with whether it loaded keys. */
  readonly fetched: (isLoaded: boolean) => void
}

/** Defaults that suit common identity providers. */
export const REMOTE_KEYS: RemoteKeysOptions = {
  freshFor: 10 * 60_000,
  patience: 2_000,
  usableFor: 24 * 3_600_000,
  timeout: 5_000,
  retryAfter: 10_000,
  seekEvery: 15_000,
  warn: logToOperator,
  changed: async () => {},
  fetched: () => {},
}

/** The share of `freshFor` after which keys are fetched in the background. */
const FETCH_FROM = 0.8
/** How much longer than its timeout a fetch is waited for, in milliseconds, so that it can report what failed. */
const FETCH_GRACE = 500
/**
 * Requests may arrive here in another order than at the gate, in milliseconds. A larger step back means that the clock
 * was set back.
 */
const OUT_OF_ORDER = 60_000

/** Creates a source of keys that are loaded when they are needed, and kept in this isolate. */
export function createRemoteKeys(load: LoadKeys, options: RemoteKeysOptions = REMOTE_KEYS): KeySource {
  return new RemoteKeys(load, options)
}

/** A fetch in progress. */
interface Fetching {
  readonly begun: number
  /** Never rejects. */
  readonly over: Promise<void>
}

class RemoteKeys implements KeySource {
  readonly #load: LoadKeys
  readonly #options: RemoteKeysOptions
  #keys: KeySet | undefined
  /** When the fetch began that returned the keys: they are at least as new as that. */
  #fetchedAt = Number.NEGATIVE_INFINITY
  /** When the last failed fetch began. */
  #failedAt = Number.NEGATIVE_INFINITY
  /** Why it failed. */
  #failure: KeyFault | undefined
  /** Until then no request that has older keys waits for a fetch. */
  #waitAgainAt = Number.NEGATIVE_INFINITY
  #underWay: Fetching | undefined
  /** The time of the latest request, by the present clock. */
  #latest = Number.NEGATIVE_INFINITY
  /** When the last fetch began that a request awaited because a key was missing. */
  #soughtAt = Number.NEGATIVE_INFINITY

  constructor(load: LoadKeys, options: RemoteKeysOptions) {
    this.#load = load
    this.#options = options
  }

  async current(now: number, waitUntil: WaitUntil): Promise<KeySet> {
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

  async newer(now: number, waitUntil: WaitUntil): Promise<KeySet> {
    this.#followClock(now)
    // Keys that were fetched after this request came can't be outdated.
    const older = this.#fetchedAt < now
    if (older && this.#mayFetch(now) && now >= this.#waitAgainAt && this.#maySeek(now)) {
      const fetching = this.#fetch(now, waitUntil)
      // A fetch in progress may have begun before the key was published. So it counts from when it began.
      this.#soughtAt = Math.max(this.#soughtAt, fetching.begun)
      await this.#waitFor(fetching)
    }
    // The key may exist while its server is down: that is not the fault of the token.
    if (this.#failedAt > this.#fetchedAt || now < this.#waitAgainAt) {
      throw this.#unavailable()
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
    this.#underWay = undefined
  }

  #usable(now: number): KeySet {
    if (this.#keys === undefined || now - this.#fetchedAt > this.#options.usableFor) {
      throw this.#unavailable()
    }
    return this.#keys
  }

  /** The cause is what the last fetch failed of, or else that it has not ended. */
  #unavailable(): Fault {
    return new Fault('keys_unavailable', this.#failure ?? new KeyFault('no answer in time'))
  }

  #mayFetch(now: number): boolean {
    return now - this.#failedAt > this.#options.retryAfter
  }

  /** Joining a fetch that is in progress costs the key server nothing. */
  #maySeek(now: number): boolean {
    return this.#joinable(now) !== undefined || now - this.#soughtAt >= this.#options.seekEvery
  }

  #stopWaiting(now: number): void {
    const { patience, retryAfter } = this.#options
    // Counted from the end of a request's vain wait, not from its start.
    this.#waitAgainAt = Math.max(this.#waitAgainAt, now + patience + retryAfter)
  }

  /** Returns the fetch in progress, unless it is too old: it was cut off with the request that started it. */
  #joinable(now: number): Fetching | undefined {
    const known = this.#underWay
    // On Workers the promise of a fetch that was cut off never settles.
    return known !== undefined && now - known.begun <= this.#options.timeout + FETCH_GRACE ? known : undefined
  }

  /** Starts a fetch, or joins the one in progress: an isolate has one at a time. */
  #fetch(now: number, waitUntil: WaitUntil): Fetching {
    const known = this.#joinable(now)
    if (known !== undefined) return known
    const over = this.#refresh(now, waitUntil).finally(() => {
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

  async #refresh(begun: number, waitUntil: WaitUntil): Promise<void> {
    const { timeout, freshFor, warn, changed, fetched } = this.#options
    try {
      const loaded = await this.#load({ signal: AbortSignal.timeout(timeout), timeout })
      fetched(true)
      // A fetch that was given up on may still end. It must not bring back keys that a later one found withdrawn. Nor may
      // one that began before the clock was set back bring back its time.
      if (begun < this.#fetchedAt || begun > this.#latest) return
      this.#fetchedAt = begun
      this.#failure = undefined
      this.#waitAgainAt = Number.NEGATIVE_INFINITY
      // Equal keys stay the same object, so that what was imported from them stays in use.
      if (JSON.stringify(loaded) === JSON.stringify(this.#keys)) return
      const before = this.#keys
      this.#keys = loaded
      for (const line of describeBroken(loaded)) warn(line)
      // Requests wait for the keys, and not for this.
      if (before !== undefined) waitUntil(changed(before, loaded))
    } catch (error) {
      fetched(false)
      if (begun > this.#latest) return
      this.#failedAt = Math.max(this.#failedAt, begun)
      this.#failure = error instanceof KeyFault ? error : new KeyFault(describeError(error))
      const age = begun - this.#fetchedAt
      if (age > freshFor) this.#stopWaiting(begun)
      const held =
        this.#keys === undefined
          ? 'there are no older ones'
          : `those fetched ${Math.round(age / 1000)} s ago are used`
      warn(`${this.#failure.message}; ${held}. To fix it: ${this.#failure.fix}`)
    }
  }
}
