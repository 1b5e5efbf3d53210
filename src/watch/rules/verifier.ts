import { isReason, stageOf } from '../../reason.ts'
import { NONE, type Rule, type Sighting, type Tools, type Watcher } from '../engine/rule.ts'
import type { WatchedEvent } from '../engine/watched-event.ts'

const WINDOW = 60_000
/** Minutes that are counted at once: the clocks of machines differ, and some records wait in a spool. */
const MINUTES = 5
/** Fewer refused tokens in a minute are a few people. */
const REFUSED = 20
/** So much of one network counts, so that the bots of one make no outage. */
const OF_ONE = 3
/** With fewer networks in a minute, so little of each could never be an outage. */
const FEW = Math.ceil(REFUSED / OF_ONE)
/** A minute has at most so many networks. More change no share. */
const NETWORKS = 2_000

/** If so many records are late, the one that they are later than came from a clock that was wrong. */
const LATE = 1_000

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
  readonly #minutes = new Map<number, Minute>()
  #newest = 0
  /** How many records before this one were late, without one between them that was not. */
  #late = 0

  constructor({ hash }: Tools) {
    this.#hash = hash
  }

  look(event: WatchedEvent): readonly Sighting[] {
    const minute = this.#minuteOf(Math.floor(event.time / WINDOW))
    if (minute === undefined) return NONE
    const isRefused = isOutage(event.reason)
    minute.count(this.#hash.long(event.network ?? ''), isRefused, event.refusals)
    const refused = isRefused ? minute.outage : 0
    return refused === 0 ? NONE : [{ group: {}, count: refused, isOfGate: true }]
  }

  /** Undefined if it is long over: what waited in a spool says nothing about now. */
  #minuteOf(minute: number): Minute | undefined {
    this.#late = minute <= this.#newest - MINUTES ? this.#late + 1 : 0
    if (this.#late > 0 && this.#late < LATE) return undefined
    if (this.#late > 0) this.#minutes.clear()
    this.#newest = this.#late > 0 ? minute : Math.max(this.#newest, minute)
    for (const one of this.#minutes.keys()) if (one <= this.#newest - MINUTES) this.#minutes.delete(one)
    const known = this.#minutes.get(minute) ?? new Minute()
    this.#minutes.set(minute, known)
    return known
  }
}

/** What one network was answered. */
interface Answered {
  refused: number
  rest: number
}

/** What the gate answered in a minute. */
class Minute {
  readonly #networks = new Map<number, Answered>()
  /** All, and as much of each network as counts. */
  #refused = 0
  readonly #counted: Answered = { refused: 0, rest: 0 }

  count(network: number, isRefused: boolean, refusals: number): void {
    const known = this.#networks.get(network)
    if (known === undefined && this.#networks.size >= NETWORKS) return
    const answered = known ?? { refused: 0, rest: 0 }
    this.#networks.set(network, answered)
    const field = isRefused ? 'refused' : 'rest'
    const before = Math.min(answered[field], OF_ONE)
    answered[field] += refusals
    this.#counted[field] += Math.min(answered[field], OF_ONE) - before
    if (isRefused) this.#refused += refusals
  }

  /** How many tokens were refused, if that is an outage; else 0. */
  get outage(): number {
    const { refused, rest } = this.#counted
    if (this.#networks.size >= FEW) return refused >= REFUSED && refused > rest ? refused : 0
    return this.#refused >= REFUSED && this.#isMostOfFew() ? this.#refused : 0
  }

  /** If a proxy hides where requests come from, they are all of one network. One of several may be that of a bot. */
  #isMostOfFew(): boolean {
    const networks = [...this.#networks.values()].toSorted((one, other) => other.refused - one.refused)
    const others = networks.length === 1 ? networks : networks.slice(1)
    const sum = { refused: 0, rest: 0 }
    for (const { refused, rest } of others) {
      sum.refused += refused
      sum.rest += rest
    }
    return sum.refused > sum.rest
  }
}

/** Whether a reason says that a token wasn't accepted, or couldn't be looked at. A request without one says nothing. */
function isOutage(reason: string | undefined): boolean {
  if (reason === undefined || !isReason(reason)) return false
  if (reason === 'keys_unavailable' || reason === 'introspection_unavailable') return true
  return stageOf(reason) === 'token' || reason === 'token_malformed'
}
