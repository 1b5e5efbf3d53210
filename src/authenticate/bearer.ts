import type { Subject } from '../authorize/subject.ts'
import { LruCache } from '../base/lru-cache.ts'
import { credential } from '../http/credential.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { type TrustedIssuer, type VerifiedToken, verifyAccessToken } from './access-token.ts'
import { checkTimes, TokenRefusal } from './claims.ts'
import { type Issuer, resolveIssuers } from './issuer.ts'
import { createInlineKeys, type KeySource } from './key-source.ts'
import { createRemoteKeys } from './remote-keys.ts'

/** What authenticating a bearer token takes beside the request. */
export interface BearerServices {
  readonly tokens: TokenVerifier
}

/**
 * Authenticates a request by the bearer token in its `Authorization` header (RFC 6750 2.1). A token that is refused may
 * still prove by a good signature whose it is: then the record says so.
 */
export async function authenticateBearer(
  context: RequestContext,
  { tokens }: BearerServices,
): Promise<Subject | Refusal> {
  const token = credential(context.request)
  if (token instanceof Refusal) return token
  const outcome = await tokens.verify(token, context)
  if (outcome instanceof TokenRefusal) context.subject = outcome.subject
  else if (!(outcome instanceof Refusal)) context.subject = outcome
  return outcome
}

/** Most tokens remembered in one isolate: some ten megabytes if all are as long as they may be. */
const MAX_REMEMBERED = 1000

/**
 * Verifies access tokens. A token that was verified is remembered by its exact characters, so that a warm request
 * verifies no signature. Its times are checked on every request, and it is verified again when its issuer publishes other
 * keys, so that a withdrawn key opens no longer than its set is kept.
 */
export class TokenVerifier {
  readonly #issuers: ReadonlyMap<string, TrustedIssuer>
  readonly #verified = new LruCache<VerifiedToken>(MAX_REMEMBERED)

  constructor(issuers: readonly Issuer[], keysOf: (issuer: Issuer) => KeySource = defaultKeys) {
    this.#issuers = new Map(
      resolveIssuers(issuers).map(issuer => [issuer.issuer, { ...issuer, keys: keysOf(issuer) }]),
    )
  }

  /** Returns the subject of a token that is good now. */
  async verify(
    token: string,
    { at, waitUntil }: Pick<RequestContext, 'at' | 'waitUntil'>,
  ): Promise<Subject | Refusal> {
    const known = this.#verified.get(token)
    if (known !== undefined && (await known.issuer.keys.current(at, waitUntil)) === known.keys) {
      return checkTimes(known, known.issuer, at) ?? known.subject
    }
    const verified = await verifyAccessToken(token, this.#issuers, at, waitUntil)
    if (verified instanceof Refusal) return verified
    // With the set that verified it. The one in force by now may be another: its keys never saw this token.
    this.#verified.set(token, verified)
    return verified.subject
  }
}

function defaultKeys(issuer: Issuer): KeySource {
  if (issuer.jwks !== undefined) return createInlineKeys(issuer.jwks)
  if (issuer.jwks_uri !== undefined) return createRemoteKeys(issuer.jwks_uri)
  throw new Error(`issuer ${JSON.stringify(issuer.issuer)} has neither jwks nor jwks_uri`)
}
