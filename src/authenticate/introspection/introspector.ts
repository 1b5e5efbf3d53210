import { hexOf, sha256 } from '../../base/bytes.ts'
import { LruCache } from '../../base/lru-cache.ts'
import { logToOperator, withoutQuery } from '../../base/operator.ts'
import { withTimeout } from '../../base/timeout.ts'
import { Fault, Refusal } from '../../refusal.ts'
import type { RequestContext } from '../../request-context.ts'
import { MAX_OPAQUE } from '../parse-token.ts'
import type { TrustedEntry } from '../trusted-issuers.ts'
import { acceptAnswer, type IntrospectedToken, type IntrospectingEntries, type Meaning } from './answer.ts'
import type { CallLimits, Calls } from './calls.ts'
import { INTROSPECTION_FIX, IntrospectionFailure, type IntrospectOptions, introspect } from './introspect.ts'
import type { Introspection } from './introspection.ts'

/** How tokens are introspected. Times in milliseconds. */
export interface IntrospectorOptions extends IntrospectOptions {
  readonly limits: CallLimits
  /** How long an active token is accepted without asking again, if it doesn't expire before. */
  readonly activeFor: number
  /** How long the answer about any other token is kept. */
  readonly refusedFor: number
  /** How long a line for the operator is not written again. */
  readonly warnEvery: number
  /** Called if a token can't be introspected, with a message that contains no secret. */
  readonly warn: (message: string) => void
}

const TIMEOUT = 5_000
/** How much longer than its timeout a call is waited for, so that it can report what failed. */
const GRACE = 500

/** Defaults that suit common identity providers. */
export const INTROSPECTION: IntrospectorOptions = {
  timeout: TIMEOUT,
  maxBytes: 64 * 1024,
  // Looked up at each call, not bound now: the runtime may instrument or replace it.
  fetch: (input, init) => globalThis.fetch(input, init),
  limits: { underWay: 8, perSecond: 50, forStrangers: 0.8, timeout: TIMEOUT + GRACE },
  activeFor: 60_000,
  refusedFor: 5_000,
  warnEvery: 10_000,
  warn: logToOperator,
}

/** Most tokens whose answer is kept. */
const MAX_ACTIVE = 1_000
const MAX_REFUSED = 256
/** Most lines for the operator that are told apart. */
const MAX_WARNINGS = 16
/** How long an answer is kept at least, in milliseconds: the issuer's clock may be behind, and its token expired here. */
const KEPT = 1_000
/** How much earlier than an answer was asked for a request may have come that uses it. */
const OUT_OF_ORDER = 5_000

/** The calls of one gate, which its introspectors share. Undefined is what a call that failed ends with. */
export type IntrospectionCalls = Calls<Meaning | undefined>

/** From when until when something counts, in milliseconds since 1970. */
interface Period {
  /** When it was asked for: it is at least as new as that. */
  readonly asked: number
  readonly until: number
}

/** An answer that is kept. */
interface Kept<Of extends Meaning> extends Period {
  readonly meaning: Of
}

/** What verifying takes of a request. */
type AskingRequest = Pick<RequestContext, 'at' | 'now' | 'waitUntil'>

/**
 * Verifies opaque tokens by asking their issuer (RFC 7662). Keeps an answer by a hash of the token: of an active one
 * until it expires, and at most a minute, which is how long a revoked token still opens.
 */
export class Introspector {
  static #count = 0
  readonly #id = Introspector.#count++
  readonly #entries: IntrospectingEntries
  readonly #introspection: Introspection
  readonly #calls: IntrospectionCalls
  readonly #options: IntrospectorOptions
  readonly #active = new LruCache<Kept<IntrospectedToken>>(MAX_ACTIVE)
  // Apart, so that made-up tokens displace no good one.
  readonly #refused = new LruCache<Kept<Refusal>>(MAX_REFUSED)
  /** Why the last call failed. */
  #failure: IntrospectionFailure | undefined
  readonly #warned = new LruCache<number>(MAX_WARNINGS)
  /** When the endpoint asked not to be called for a while, and until when. */
  #pause = { asked: 0, until: 0 }

  constructor(
    entries: IntrospectingEntries,
    introspection: Introspection,
    calls: IntrospectionCalls,
    options: IntrospectorOptions,
  ) {
    this.#entries = entries
    this.#introspection = introspection
    this.#calls = calls
    this.#options = options
  }

  /** The first of the entries whose tokens it verifies. */
  get entry(): TrustedEntry {
    return this.#entries[0]
  }

  /**
   * Verifies a token. Its times have to be checked for each request.
   *
   * @throws Fault `introspection_unavailable` if its issuer can't be asked
   */
  async verify(token: string, { at, now, waitUntil }: AskingRequest): Promise<Meaning> {
    if (token.length > MAX_OPAQUE) return new Refusal('token_too_long')
    const hash = hexOf(await sha256(token))
    const [active, refused] = [this.#active.get(hash), this.#refused.get(hash)]
    if (active !== undefined && isUsable(active, at)) return active.meaning
    if (refused !== undefined && isUsable(refused, at)) return refused.meaning
    if (isUsable(this.#pause, at)) throw this.#unavailable()
    const call = this.#calls.join(
      {
        // An introspector shares no call: another one at the same URL may have entries with other rules.
        key: `${this.#id} ${hash}`,
        isKnown: active !== undefined && refused === undefined,
        work: () => this.#ask(token, hash, at, now),
      },
      at,
      waitUntil,
    )
    if (call === undefined) this.#warn('there are too many calls', at)
    // By a timer of this request's own: the request that began the call may have been cut off.
    const meaning = call && (await withTimeout(this.#options.limits.timeout, call).catch(() => undefined))
    if (meaning === undefined) throw this.#unavailable()
    return meaning
  }

  /** The cause is what the last call failed of, or else that it has not ended. */
  #unavailable(): Fault {
    return new Fault(
      'introspection_unavailable',
      this.#failure ?? new IntrospectionFailure('no answer in time'),
    )
  }

  /** Asks the issuer, and keeps its answer. Never rejects: undefined if there is no answer. */
  async #ask(token: string, hash: string, at: number, now: () => number): Promise<Meaning | undefined> {
    const { activeFor, refusedFor } = this.#options
    try {
      const meaning = acceptAnswer(
        await introspect(token, this.#introspection, this.#options),
        this.#entries,
        hash,
        at,
      )
      if (meaning instanceof Refusal) {
        this.#refused.set(hash, { meaning, asked: at, until: at + refusedFor })
      } else {
        // RFC 7662 4: the answer permits nothing once the token has expired, as its times are checked on each request.
        const until = Math.max(now() + KEPT, Math.min(at + activeFor, 1000 * meaning.expires))
        this.#active.set(hash, { meaning, asked: at, until })
      }
      this.#failure = undefined
      return meaning
    } catch (error) {
      const isKnown = error instanceof IntrospectionFailure
      if (isKnown && error.pause > 0) this.#pause = { asked: at, until: now() + error.pause }
      this.#warn(isKnown ? error.message : 'a fault of the gate', at)
      return undefined
    }
  }

  /** Writes a line for the operator, but not the same one again within a while. */
  #warn(why: string, now: number): void {
    const { warn, warnEvery } = this.#options
    this.#failure = new IntrospectionFailure(why)
    if (Math.abs(now - (this.#warned.get(why) ?? Number.NEGATIVE_INFINITY)) < warnEvery) return
    this.#warned.set(why, now)
    const place = withoutQuery(this.#introspection.url)
    warn(
      `no answer about tokens from ${place} (${why}): requests with one get 503. To fix it: ${INTROSPECTION_FIX}`,
    )
  }
}

/** An answer from after the request, but for a little, is one from before the clock was set back. */
const isUsable = ({ asked, until }: Period, now: number): boolean => now < until && now > asked - OUT_OF_ORDER
