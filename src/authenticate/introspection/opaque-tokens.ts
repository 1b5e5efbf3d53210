import type { Place } from '../../http/credential.ts'
import type { Issuer } from '../issuer.ts'
import { isJwsForm } from '../parse-token.ts'
import type { TrustedEntry, TrustedIssuers } from '../trusted-issuers.ts'
import { Calls } from './calls.ts'
import {
  INTROSPECTION,
  type IntrospectionCalls,
  Introspector,
  type IntrospectorOptions,
} from './introspector.ts'

/** Which issuer is asked about which opaque token: nothing in the token says whose it is, so its place does. */
export class OpaqueTokens {
  readonly #introspectors = new Map<string, Introspector>()

  constructor({ entries }: Pick<TrustedIssuers, 'entries'>, options: IntrospectorOptions = INTROSPECTION) {
    const calls: IntrospectionCalls = new Calls(options.limits)
    for (const [place, [first, ...others]] of byPlace(entries)) {
      const introspection = first?.introspection
      if (first === undefined || introspection === undefined) continue
      this.#introspectors.set(place, new Introspector([first, ...others], introspection, calls, options))
    }
  }

  /**
   * Returns what verifies a token. Undefined if no issuer is asked about it, as about one in the form of a JWS: the
   * issuer that is asked may not be its own, and would get to know it.
   */
  introspectorFor(token: string, place: Place | undefined): Introspector | undefined {
    return this.#introspectors.size === 0 || isJwsForm(token)
      ? undefined
      : this.#introspectors.get(place === undefined ? AUTHORIZATION : placeKey(place.in, place.name))
  }
}

const AUTHORIZATION = ''
const placeKey = (kind: string, name: string): string => `${kind} ${name}`

/**
 * Lists the places where an entry's opaque tokens come from. The places that it names are for its tokens alone; without
 * one it is `Authorization`.
 */
export function opaquePlacesOf({ header, cookie }: Issuer): readonly string[] {
  const places = [
    ...(header === undefined ? [] : [placeKey('header', header.toLowerCase())]),
    ...(cookie === undefined ? [] : [placeKey('cookie', cookie)]),
  ]
  return places.length === 0 ? [AUTHORIZATION] : places
}

/** Groups the entries that introspect by the places of their tokens. `Authorization` counts too for the only one. */
function byPlace(entries: readonly TrustedEntry[]): ReadonlyMap<string, readonly TrustedEntry[]> {
  const introspecting = entries.filter(({ introspection }) => introspection !== undefined)
  const grouped = new Map<string, TrustedEntry[]>()
  for (const entry of introspecting) {
    for (const place of opaquePlacesOf(entry)) grouped.set(place, [...(grouped.get(place) ?? []), entry])
  }
  if (introspecting.length === 1) grouped.set(AUTHORIZATION, introspecting)
  return grouped
}
