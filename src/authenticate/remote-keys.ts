import type { JSONWebKeySet, JWK } from 'jose'
import { within } from '../deadline.ts'
import type { WaitUntil } from '../wait-until.ts'
import { type KeySource, KeysUnavailable } from './key-source.ts'

/** How fetched keys are kept. Times in milliseconds. */
export interface RemoteKeysOptions {
  /** After this long they are fetched again. */
  readonly freshFor: number
  /** After this long without a successful fetch they are used no more. Until then an outage goes unnoticed by patients. */
  readonly usableFor: number
  /** A fetch must be over, body included, in this time. */
  readonly timeout: number
  /** After a fetch that failed none is begun for this long. */
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

/** Most missing key ids that are remembered. */
const MAX_MISSING = 256

/** Keys fetched from a `jwks_uri`, kept in this isolate. */
export function remoteKeys(uri: string, options: RemoteKeysOptions = REMOTE_KEYS): KeySource {
  let keys: JSONWebKeySet | undefined
  let fetchedAt = Number.NEGATIVE_INFINITY
  let failedAt = Number.NEGATIVE_INFINITY
  let soughtAt = Number.NEGATIVE_INFINITY
  let underWay: Promise<void> | undefined
  const missing = new Map<string, number>()

  async function refresh(now: number): Promise<void> {
    try {
      const fetched = await fetchKeys(uri, options)
      // The same keys stay the same object, so that what was prepared from them is used on.
      if (JSON.stringify(fetched) !== JSON.stringify(keys)) keys = fetched
      fetchedAt = now
    } catch (error) {
      failedAt = now
      const age =
        keys === undefined ? 'none are held' : `${Math.round((now - fetchedAt) / 1000)} s old ones are used`
      options.warn(`keys of ${uri} can't be fetched (${(error as Error).message}); ${age}`)
    }
  }

  /**
   * One fetch at a time in an isolate. A request of another visitor may have begun it and may be gone before it
   * ends, and on Workers its promise then never settles: so nobody waits for it longer than the fetch may take.
   */
  async function fetchOnce(now: number, waitUntil: WaitUntil): Promise<void> {
    if (underWay === undefined) {
      const mine = refresh(now).finally(() => {
        if (underWay === mine) underWay = undefined
      })
      underWay = mine
      waitUntil(mine)
    }
    const awaited = underWay
    await within(options.timeout + 500, awaited).catch(() => {
      if (underWay === awaited) underWay = undefined
    })
  }

  function usable(now: number): JSONWebKeySet {
    if (keys === undefined || now - fetchedAt > options.usableFor)
      throw new KeysUnavailable(`no keys of ${uri}`)
    return keys
  }

  return {
    async current(now, waitUntil) {
      if (now - fetchedAt > options.freshFor && now - failedAt > options.retryAfter) {
        const fetching = fetchOnce(now, waitUntil)
        // Keys that are still usable serve while newer ones are fetched; only who has none waits.
        if (keys === undefined || now - fetchedAt > options.usableFor) await fetching
      }
      return usable(now)
    },
    async seeking(kid, now, waitUntil) {
      const since = missing.get(kid)
      const knownMissing = since !== undefined && now - since <= options.missingFor
      if (!knownMissing && now - soughtAt > options.seekEvery && now - failedAt > options.retryAfter) {
        soughtAt = now
        await fetchOnce(now, waitUntil)
        if (fetchedAt >= now && !keys?.keys.some(key => key.kid === kid)) {
          if (missing.size >= MAX_MISSING) missing.clear()
          missing.set(kid, now)
        }
      }
      // The key may well exist and only its server be down: that is no fault of the token.
      if (failedAt > fetchedAt) throw new KeysUnavailable(`keys of ${uri} can't be asked for`)
      return usable(now)
    },
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
