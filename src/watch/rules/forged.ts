import { RecentSets } from '../engine/recent-sets.ts'
import { groupOf, NONE, type Rule, type Sighting, type Tools, type Watcher } from '../engine/rule.ts'
import type { WatchedEvent } from '../engine/watched-event.ts'

const WINDOW = 5 * 60_000
const THRESHOLD = 5
/** After an issuer changed its keys, apps have tokens under the old ones for a while. */
const KEYS_SETTLE = 15 * 60_000

/** Reasons that no mistake of an app explains, nor a key server that lags. */
const FORGED: ReadonlySet<string | undefined> = new Set(['token_algorithm', 'token_signature'])
const REASONS: ReadonlySet<string | undefined> = new Set([
  ...FORGED,
  'token_issuer',
  'token_key_unknown',
  'token_malformed',
])

/** Returns whether a reason says that a token was forged, and not merely that it is wrong. */
export const isForged = (reason: string | undefined): boolean => FORGED.has(reason)

/**
 * Tokens that no issuer made. One that names an algorithm which isn't permitted is enough: no app makes one by mistake. An app
 * does make others: `Bearer undefined`, or the token of another service. A
 * record may be about many refusals, and that of a flood names only the network.
 */
export const forgedTokens: Rule = {
  ...{ id: 'RG-007', version: 1, severity: 'high', canSuppress: true },
  title: 'One network sent forged tokens',
  kinds: ['access', 'keys'],
  group: ['network'],
  ...{ window: WINDOW, threshold: THRESHOLD },
  start: tools => new ForgedTokens(tools),
}

class ForgedTokens implements Watcher {
  readonly #hash: Tools['hash']
  readonly #sets = new RecentSets(WINDOW, THRESHOLD, 10_000)
  /** The networks that forged some of them. */
  readonly #forged = new RecentSets(WINDOW, 1, 10_000)
  #keysChanged = Number.NEGATIVE_INFINITY

  constructor({ hash }: Tools) {
    this.#hash = hash
  }

  look(event: WatchedEvent): readonly Sighting[] {
    const { kind, reason, network, tenant, time, id, refusals } = event
    if (kind === 'keys') {
      this.#keysChanged = Math.max(this.#keysChanged, time)
      return NONE
    }
    if (!REASONS.has(reason)) return NONE
    if (reason === 'token_key_unknown' && Math.abs(time - this.#keysChanged) < KEYS_SETTLE) return NONE
    const group = this.#hash.long(`${tenant} ${network}`)
    const weight = reason === 'token_algorithm' ? THRESHOLD : Math.min(refusals, THRESHOLD)
    if (isForged(reason)) this.#forged.add(group, 0, time)
    let count = 0
    for (let i = 0; i < weight; i++) count = this.#sets.add(group, this.#hash.short(`${id} ${i}`), time).count
    if (count < THRESHOLD) return NONE
    const severity = this.#forged.has(group, 0, time) ? 'high' : 'medium'
    return [{ group: groupOf({ network }), severity, count: Math.max(count, refusals) }]
  }
}
