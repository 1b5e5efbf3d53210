import { Generations } from '../engine/generations.ts'
import { groupOf, NONE, type Rule, type Sighting, type Tools, type Watcher } from '../engine/rule.ts'
import type { WatchedEvent } from '../engine/watched-event.ts'
import type { Severity } from '../severity.ts'

const WINDOW = 10 * 60_000
/** A phone that leaves a Wi-Fi changes the network once. A token that two devices use changes it with each turn. */
const TURNS = 3
/** Ranges of addresses change more easily than what a provider announces. */
const TURNS_OF_RANGES = 6
/** What Cloudflare calls a country that it doesn't know. */
const UNKNOWN = 'XX'
/** The networks that Apple's Private Relay comes from. They change with each connection, and the country stays. */
const RELAYS: ReadonlySet<number> = new Set([13_335, 20_940, 36_183, 54_113])

/** Where a token was last used, and when it went elsewhere. */
interface Places {
  /** When it was last used. */
  seen: number
  country: string | undefined
  /** The network: its number, or its range of addresses if the runtime doesn't know the number. */
  network: number | string | undefined
  turns: number[]
}

/**
 * One token in two places: in two countries within ten minutes, or taking turns between two networks. Only Workers know
 * countries and the numbers of networks; elsewhere networks are ranges of addresses. A
 * ticket has the token that it was issued for.
 */
export const sharedToken: Rule = {
  ...{ id: 'RG-008', version: 1, severity: 'high', canSuppress: true },
  title: 'One token or ticket was used in two places at once',
  kinds: ['access', 'listed', 'ticket', 'view'],
  group: ['subject', 'session'],
  ...{ window: WINDOW, threshold: 2 },
  start: tools => new SharedTokens(tools),
}

class SharedTokens implements Watcher {
  readonly #hash: Tools['hash']
  readonly #places = new Generations<number, Places>(20_000)

  constructor({ hash }: Tools) {
    this.#hash = hash
  }

  look(event: WatchedEvent): readonly Sighting[] {
    const { token, ticket, kind, id, subject, session } = event
    const name = token ?? ticket ?? (kind === 'ticket' ? id : undefined)
    if (name === undefined || (event.country === undefined && event.network === undefined)) return NONE
    const key = this.#hash.long(name)
    const places = this.#places.get(key)
    if (places === undefined) {
      this.#places.set(key, placesOf(event))
      return NONE
    }
    const severity = this.#move(places, event)
    return severity === undefined ? NONE : [{ group: groupOf({ subject, session }), severity, count: 2 }]
  }

  /** Notes where a token is used now. Returns how bad it is, if it can't be one device. */
  #move(places: Places, event: WatchedEvent): Severity | undefined {
    const { country, time } = event
    const isKnown = country !== undefined && country !== UNKNOWN
    const isElsewhere = isKnown && places.country !== undefined && places.country !== country
    const isFar = isElsewhere && Math.abs(time - places.seen) < WINDOW
    // What waited in a spool must not make a place that the token has left the present one.
    if (time < places.seen) return isFar ? 'high' : undefined
    places.seen = time
    if (isKnown) places.country = country
    const takesTurns = this.#turn(places, networkOf(event), time)
    if (isFar) return 'high'
    return takesTurns ? 'medium' : undefined
  }

  /** Notes the network that a token is used in. Returns whether it takes turns between several. */
  #turn(places: Places, network: Places['network'], time: number): boolean {
    if (network === undefined) return false
    const isTurn = places.network !== undefined && places.network !== network
    places.network = network
    if (!isTurn) return false
    const most = typeof network === 'number' ? TURNS : TURNS_OF_RANGES
    places.turns = [...places.turns.filter(turn => time - turn < WINDOW), time].slice(-most)
    return places.turns.length >= most
  }
}

function placesOf(event: WatchedEvent): Places {
  const { country, time } = event
  return {
    country: country === UNKNOWN ? undefined : country,
    seen: time,
    network: networkOf(event),
    turns: [],
  }
}

/** Returns the network that an event names, unless it is one that changes by itself. */
function networkOf({ asn, network }: WatchedEvent): Places['network'] {
  return asn !== undefined && RELAYS.has(asn) ? undefined : (asn ?? network)
}
