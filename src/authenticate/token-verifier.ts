import type { Subject } from '../authorize/subject.ts'
import { LruCache } from '../base/lru-cache.ts'
import type { Credential, Place } from '../http/credential.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext, TokenFacts } from '../request-context.ts'
import { type VerifiedToken, verifyAccessToken } from './access-token.ts'
import { type AcceptedToken, checkTimes } from './claims.ts'
import type { IntrospectedToken } from './introspection/answer.ts'
import { OpaqueTokens } from './introspection/opaque-tokens.ts'
import type { Issuer } from './issuer.ts'
import { parseToken } from './parse-token.ts'
import type { ProofVerifier } from './proof/proof-verifier.ts'
import { TokenRefusal } from './token-refusal.ts'
import type { TrustedIssuers } from './trusted-issuers.ts'

/** Most tokens remembered in one isolate: some sixteen megabytes if all are as long as they may be. */
const MAX_REMEMBERED = 1000

/**
 * Verifies access tokens. A signed token that was verified is remembered by its exact characters, so that a warm request
 * verifies no signature. Its times are checked on every request, and it is verified again when its issuer publishes other
 * keys, so that a withdrawn key opens no longer than its set is kept. About an opaque token its issuer is asked. Who sends a
 * token is checked on every request too.
 */
export class TokenVerifier {
  readonly #issuers: TrustedIssuers
  readonly #proofs: ProofVerifier | undefined
  readonly #opaque: OpaqueTokens
  readonly #verified = new LruCache<VerifiedToken>(MAX_REMEMBERED)

  /** @param proofs undefined if no entry accepts DPoP */
  constructor(
    issuers: TrustedIssuers,
    proofs?: ProofVerifier,
    opaque: OpaqueTokens = new OpaqueTokens(issuers),
  ) {
    this.#issuers = issuers
    this.#proofs = proofs
    this.#opaque = opaque
  }

  /** Whether the scheme `DPoP` means anything to this gate. */
  get acceptsProofs(): boolean {
    return this.#proofs !== undefined
  }

  /** Returns the subject of a token that is good now, in its place, and from its sender. */
  async verify(credential: Credential, context: VerifiedRequest): Promise<Subject | Refusal> {
    const token = await this.verifyToken(credential, context)
    if (this.#proofs !== undefined && credential.scheme === 'DPoP') {
      return this.#proofs.verifySender(credential.token, token, context)
    }
    return token instanceof Refusal ? token : (refuseAsBearer(token) ?? token.subject)
  }

  /** Returns the entry that a token is for if it tells the truth. Nothing of it is verified. */
  claimedEntry({ token, places }: Credential): TokenFacts {
    const entry =
      this.#opaque.introspectorFor(token, places[0])?.entry ??
      this.#issuers.entryFor(parseToken(token)?.payload ?? {})
    return entry instanceof Refusal ? {} : { entry: entry.name }
  }

  /** Verifies a token, but not its sender. */
  async verifyToken(
    { token, places }: Credential,
    context: VerifiedRequest,
  ): Promise<AcceptedToken | Refusal> {
    const { at, waitUntil } = context
    const known = this.#verified.get(token)
    const isKnown = known !== undefined && (await known.entry.keys.current(at, waitUntil)) === known.keys
    const accepted = isKnown ? known : await this.#accept(token, places[0], context)
    if (accepted instanceof Refusal) return accepted
    return refusePlace(accepted, places) ?? checkTimes(accepted, accepted.entry, at) ?? accepted
  }

  async #accept(
    token: string,
    place: Place | undefined,
    context: VerifiedRequest,
  ): Promise<IntrospectedToken | Refusal> {
    const introspector = this.#opaque.introspectorFor(token, place)
    if (introspector !== undefined) return introspector.verify(token, context)
    const verified = await verifyAccessToken(token, this.#issuers, context.at, context.waitUntil)
    // With the set that verified it. The one in force by now may be another: its keys never saw this token.
    if (!(verified instanceof Refusal)) this.#verified.set(token, verified)
    return verified
  }
}

type VerifiedRequest = Pick<RequestContext, 'request' | 'at' | 'now' | 'waitUntil'>

/** Refuses a token that is bound to a key and comes without a proof of it: then it may be stolen (RFC 9449 7.2). */
function refuseAsBearer({ thumbprint, subject }: AcceptedToken): TokenRefusal | undefined {
  return thumbprint === undefined ? undefined : new TokenRefusal('token_bound', { claim: 'cnf', subject })
}

type PlacedIn = Pick<VerifiedToken, 'entry' | 'subject'>

/** Refuses a token in a place that another entry names: what a proxy checked there is not this token. */
function refusePlace({ entry, subject }: PlacedIn, places: readonly Place[]): TokenRefusal | undefined {
  return places.every(place => isPlaceOf(place, entry))
    ? undefined
    : new TokenRefusal('token_place', { claim: 'iss', subject })
}

const isPlaceOf = (place: Place, { header, cookie }: Issuer): boolean =>
  place.in === 'header' ? header?.toLowerCase() === place.name : cookie === place.name
