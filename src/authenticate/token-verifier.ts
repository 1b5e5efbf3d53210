import type { Subject } from '../authorize/subject.ts'
import { LruCache } from '../base/lru-cache.ts'
import type { Credential, Place } from '../http/credential.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { type VerifiedToken, verifyAccessToken } from './access-token.ts'
import { checkTimes } from './claims.ts'
import { OpaqueTokens } from './introspection/opaque-tokens.ts'
import type { Issuer } from './issuer.ts'
import { TokenRefusal } from './token-refusal.ts'
import type { TrustedIssuers } from './trusted-issuers.ts'

/** Most tokens remembered in one isolate: some sixteen megabytes if all are as long as they may be. */
const MAX_REMEMBERED = 1000

/**
 * Verifies access tokens. A signed token that was verified is remembered by its exact characters, so that a warm request
 * verifies no signature. Its times are checked on every request, and it is verified again when its issuer publishes other
 * keys, so that a withdrawn key opens no longer than its set is kept. About an opaque token its issuer is asked.
 */
export class TokenVerifier {
  readonly #issuers: TrustedIssuers
  readonly #opaque: OpaqueTokens
  readonly #verified = new LruCache<VerifiedToken>(MAX_REMEMBERED)

  constructor(issuers: TrustedIssuers, opaque: OpaqueTokens = new OpaqueTokens(issuers)) {
    this.#issuers = issuers
    this.#opaque = opaque
  }

  /** Returns the subject of a token that is good now, and in its place. */
  async verify(
    { token, place }: Credential,
    { at, waitUntil }: Pick<RequestContext, 'at' | 'waitUntil'>,
  ): Promise<Subject | Refusal> {
    const known = this.#verified.get(token)
    if (known !== undefined && (await known.entry.keys.current(at, waitUntil)) === known.keys) {
      return refusePlace(known, place) ?? checkTimes(known, known.entry, at) ?? known.subject
    }
    const introspector = this.#opaque.introspectorFor(token, place)
    if (introspector !== undefined) {
      const accepted = await introspector.verify(token, at, waitUntil)
      return accepted instanceof Refusal
        ? accepted
        : (checkTimes(accepted, accepted.entry, at) ?? accepted.subject)
    }
    const verified = await verifyAccessToken(token, this.#issuers, at, waitUntil)
    if (verified instanceof Refusal) return verified
    // With the set that verified it. The one in force by now may be another: its keys never saw this token.
    this.#verified.set(token, verified)
    return refusePlace(verified, place) ?? verified.subject
  }
}

/** Refuses a token in a place that another entry names: what a proxy checked there is not this token. */
function refusePlace({ entry, subject }: VerifiedToken, place: Place | undefined): TokenRefusal | undefined {
  return place === undefined || isPlaceOf(place, entry)
    ? undefined
    : new TokenRefusal('token_place', { claim: 'iss', subject })
}

const isPlaceOf = (place: Place, { header, cookie }: Issuer): boolean =>
  place.in === 'header' ? header?.toLowerCase() === place.name : cookie === place.name
