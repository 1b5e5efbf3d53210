import { isReason, stageOf } from '../../reason.ts'
import { NONE, type Rule, type Sighting, type Tools, type Watcher } from '../engine/rule.ts'
import type { WatchedEvent } from '../engine/watched-event.ts'

const WINDOW = 60_000
/** Fewer refused tokens in a minute are a few people. */
const REFUSED = 20
/** So much of one network counts, so that the bots of one make no outage. */
const OF_ONE = 3
/** A minute has at most so many networks. More change no share. */
const NETWORKS = 2_000

/** If so many records are late, the one that they are later than came from a clock that was wrong. */
const LATE = 1_000

/** What one network was answered in this minute. */
interface Answered {
  refused: number
  rest: number
}

/**
 * Most tokens are refused: the issuer's keys or the gate's clock are wrong, and no patient can watch anything. It is no attack,
 * and one finding for the gate.
 */
export const verifierOutage: Rule = {
  ...{ id: 'RG-015', version: 1, severity: 'high', canSuppress: true },
  title: 'Availability: the gate refuses most tokens',
  kinds: ['access', 'view'],
  group: [],
  ...{ window: WINDOW, threshold: REFUSED },
  start: tools => new Minutes(tools),
}

class Minutes implements Watcher {
  readonly #hash: Tools['hash']
  #minute = 0
  #networks = new Map<number, Answered>()
  #refused = 0
  #rest = 0
  /** How many records before this one were late, without one between them that was not. */
  #late = 0

  constructor({ hash }: Tools) {
    this.#hash = hash
  }

  look(event: WatchedEvent): readonly Sighting[] {
    const minute = Math.floor(event.time / WINDOW)
    this.#late = minute < this.#minute ? this.#late + 1 : 0
    // What waited in a spool says nothing about now.
    if (this.#late > 0 && this.#late < LATE) return NONE
    if (minute !== this.#minute) {
      this.#minute = minute
      this.#networks = new Map()
      this.#refused = 0
      this.#rest = 0
    }
    const isRefused = isOutage(event.reason)
    this.#count(event.network ?? '', isRefused, event.refusals)
    const [refused, rest] = this.#share()
    const isMost = isRefused && refused >= REFUSED && refused > rest
    return isMost ? [{ group: {}, count: refused, isOfGate: true }] : NONE
  }

  #count(network: string, isRefused: boolean, refusals: number): void {
    const key = this.#hash.long(network)
    const known = this.#networks.get(key)
    if (known === undefined && this.#networks.size >= NETWORKS) return
    const answered = known ?? { refused: 0, rest: 0 }
    this.#networks.set(key, answered)
    const field = isRefused ? 'refused' : 'rest'
    const before = Math.min(answered[field], OF_ONE)
    answered[field] += refusals
    const more = Math.min(answered[field], OF_ONE) - before
    if (isRefused) this.#refused += more
    else this.#rest += more
  }

  /** Refused tokens, and all other answers. If a proxy hides where requests come from, all are of one network. */
  #share(): readonly [refused: number, rest: number] {
    const [only, ...others] = this.#networks.size === 1 ? this.#networks.values() : []
    if (only !== undefined && others.length === 0) return [only.refused, only.rest]
    return [this.#refused, this.#rest]
  }
}

/** Whether a reason says that a token wasn't accepted, or couldn't be looked at. A request without one says nothing. */
function isOutage(reason: string | undefined): boolean {
  if (reason === undefined || !isReason(reason)) return false
  if (reason === 'keys_unavailable' || reason === 'introspection_unavailable') return true
  return stageOf(reason) === 'token' || reason === 'token_malformed'
}
