import type { JSONWebKeySet, JWK } from 'jose'
import { withTimeout } from '../base/timeout.ts'
import type { WaitUntil } from '../base/wait-until.ts'
import { type KeySource, KeysUnavailable } from './key-source.ts'

/** How fetched keys are kept. Times in milliseconds. */
export interface RemoteKeysOptions {
  /**
   * How long keys serve before a request waits for newer ones. From four fifths of it on they are fetched beside the
   * requests, so that under load no request ever waits.
   */
  readonly freshFor: number
  /** How long a request waits for newer keys while it has older ones to go by. If they don't come, the older ones serve. */
  readonly patience: number
  /** After this long without a successful fetch they are used no more. Until then an outage goes unnoticed by patients. */
  readonly usableFor: number
  /** A fetch must be over, body included, in this time. */
  readonly timeout: number
  /** After a fetch that failed no other is begun for this long, and no request waits for one. */
  readonly retryAfter: number
  /** At most one fetch in this time is begun because of a key id that isn't in the set. */
  readonly seekEvery: number
  /** A key id that wasn't there is not looked for again for this long. */
  readonly missingFor: number
  /** A larger answer, in bytes, is not read to its end. */
  readonly maxBytes: number
  readonly fetch: typeof globalThis.fetch
  /** Is told, in words that hold no secret, when keys can't be fetched. */
  readonly warn: (message: string) => void
}

/** What is right for a common identity provider. */
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
  // biome-ignore lint/suspicious/noConsole: an operator must hear of an outage that patients don't feel
  warn: message => console.warn(message),
}

/** The share of `freshFor` after which keys are fetched beside the requests. */
const FETCH_FROM = 0.8
/** Most missing key ids that are remembered. */
const MAX_MISSING = 256
/** How much longer than a fetch may take a request waits for it, in milliseconds: the fetch is to say what failed. */
const GRACE = 500

/**
 * Requests may come here in another order than they came to the gate, in milliseconds. One that came longer before an
 * earlier one shows that the clock was set back.
 */
const OUT_OF_ORDER = 60_000

/** Keys fetched from a `jwks_uri`, kept in this isolate. */
export function createRemoteKeys(uri: string, options: RemoteKeysOptions = REMOTE_KEYS): KeySource {
  return new RemoteKeys(uri, options)
}

/** A fetch that isn't over yet. */
interface Fetching {
  readonly begun: number
  /** Never rejects. */
  readonly over: Promise<void>
}

class RemoteKeys implements KeySource {
  readonly #uri: string
  readonly #options: RemoteKeysOptions
  #keys: JSONWebKeySet | undefined
  /** When the fetch began that brought the keys: they are at least as new as that. */
  #fetchedAt = Number.NEGATIVE_INFINITY
  /** When the last fetch began that failed. */
  #failedAt = Number.NEGATIVE_INFINITY
  /** Until then no request waits for a fetch while it has older keys to go by. */
  #waitAgainAt = Number.NEGATIVE_INFINITY
  #underWay: Fetching | undefined
  /** When the last request came, by the clock as it is now. */
  #latest = Number.NEGATIVE_INFINITY
  #soughtAt = Number.NEGATIVE_INFINITY
  readonly #missing = new Map<string, number>()

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
    // A fetch that failed while the keys were fresh is no excuse for using them once they aren't.
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
    const since = this.#missing.get(kid)
    const knownMissing = since !== undefined && now - since <= missingFor
    const mayWait = this.#mayFetch(now) && now >= this.#waitAgainAt
    // Keys that were fetched since this request came can't be newer.
    const older = this.#fetchedAt < now
    if (older && !knownMissing && mayWait && now - this.#soughtAt > seekEvery) {
      this.#soughtAt = now
      await this.#waitFor(this.#fetch(now, waitUntil))
      if (this.#fetchedAt >= now && !this.#keys?.keys.some(key => key.kid === kid)) {
        if (this.#missing.size >= MAX_MISSING) this.#missing.clear()
        this.#missing.set(kid, now)
      }
    }
    // The key may well exist and only its server be down: that is no fault of the token.
    if (this.#failedAt > this.#fetchedAt || now < this.#waitAgainAt) {
      throw new KeysUnavailable(`keys of ${this.#uri} can't be asked for`)
    }
    return this.#usable(now)
  }

  /**
   * Times of a clock that was ahead and was set back say nothing, and would for as long as it was ahead: a key that was
   * withdrawn meanwhile would serve on. So the keys count as due, and whatever else was put off may be done at once.
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
    this.#missing.clear()
    this.#underWay = undefined
  }

  #usable(now: number): JSONWebKeySet {
    if (this.#keys === undefined || now - this.#fetchedAt > this.#options.usableFor) {
      throw new KeysUnavailable(`no keys of ${this.#uri}`)
    }
    return this.#keys
  }

  #mayFetch(now: number): boolean {
    return now - this.#failedAt > this.#options.retryAfter
  }

  #stopWaiting(now: number): void {
    const { patience, retryAfter } = this.#options
    // Counted from when the request may have waited in vain, not from when it came.
    this.#waitAgainAt = Math.max(this.#waitAgainAt, now + patience + retryAfter)
  }

  /** Begins a fetch, or joins the one under way: there is one at a time in an isolate. */
  #fetch(now: number, waitUntil: WaitUntil): Fetching {
    const known = this.#underWay
    // Older than it can be: the request that began it was cut off, and on Workers its promise then never settles.
    if (known !== undefined && now - known.begun <= this.#options.timeout + GRACE) return known
    const over = this.#refresh(now).finally(() => {
      if (this.#underWay === fetching) this.#underWay = undefined
    })
    const fetching: Fetching = { begun: now, over }
    this.#underWay = fetching
    waitUntil(over)
    return fetching
  }

  /** Waits for a fetch, by a timer of this request's own. One that takes longer than it may is given up on. */
  async #waitFor(fetching: Fetching): Promise<void> {
    await withTimeout(this.#options.timeout + GRACE, fetching.over).catch(() => {
      if (this.#underWay === fetching) this.#underWay = undefined
    })
  }

  async #refresh(begun: number): Promise<void> {
    try {
      const fetched = await fetchKeys(this.#uri, this.#options)
      // One that was given up on may end all the same: it must not bring back keys that a later one found withdrawn.
      // Nor may one that was begun before the clock was set back bring back its time.
      if (begun < this.#fetchedAt || begun > this.#latest) return
      // The same keys stay the same object, so that what was prepared from them is used on.
      if (JSON.stringify(fetched) !== JSON.stringify(this.#keys)) this.#keys = fetched
      this.#fetchedAt = begun
      this.#waitAgainAt = Number.NEGATIVE_INFINITY
    } catch (error) {
      if (begun > this.#latest) return
      this.#failedAt = Math.max(this.#failedAt, begun)
      const age = begun - this.#fetchedAt
      if (age > this.#options.freshFor) this.#stopWaiting(begun)
      const held =
        this.#keys === undefined ? 'none are held' : `${Math.round(age / 1000)} s old ones are used`
      this.#options.warn(`keys of ${this.#uri} can't be fetched (${(error as Error).message}); ${held}`)
    }
  }
}

async function fetchKeys(
  uri: string,
  { fetch, timeout, maxBytes }: RemoteKeysOptions,
): Promise<JSONWebKeySet> {
  const response = await fetch(uri, {
    headers: { Accept: 'application/jwk-set+json, application/json' },
    // A redirect could lead anywhere; the configuration names the one place that is trusted.
    redirect: 'manual',
    signal: AbortSignal.timeout(timeout),
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`status ${response.status}`)
  }
  const parsed: unknown = JSON.parse(await readText(response, maxBytes))
  const keys = usableKeys(parsed)
  // An answer without a key is a server's mistake; good keys are not thrown away for it.
  if (keys.length === 0) throw new Error('no JWK set with a key for signatures (RFC 7517 5)')
  return { keys }
}

async function readText(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new Error(`over ${maxBytes} bytes`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text
}

/** RFC 7517 5: members that aren't understood are passed over, the others used. A symmetric key is nobody's to publish. */
function usableKeys(set: unknown): JWK[] {
  const keys: unknown = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined
  return Array.isArray(keys) ? keys.filter(isSignatureKey) : []
}

function isSignatureKey(key: unknown): key is JWK {
  if (typeof key !== 'object' || key === null) return false
  const { kty, kid, use } = key as Readonly<Record<string, unknown>>
  const known = kty === 'RSA' || kty === 'EC' || kty === 'OKP'
  return known && (kid === undefined || typeof kid === 'string') && (use === undefined || use === 'sig')
}
