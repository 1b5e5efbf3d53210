import type { Subject } from '../authorize/subject.ts'
import type { Containment } from '../control/containment.ts'
import type { CorsPolicy } from '../http/cors.ts'
import { authorizationToken, type Credential, hasTokenInQuery, type PlacedToken } from '../http/credential.ts'
import type { CredentialPlaces } from '../http/credential-places.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import { TokenRefusal } from './token-refusal.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** What authenticating by a token takes beside the request. */
export interface BearerServices {
  readonly tokens: TokenVerifier
  /** Where tokens are looked for beside `Authorization`. */
  readonly places: CredentialPlaces
  /** From which pages these places count. */
  readonly cors: CorsPolicy
}

/** What authenticating a caller takes whose login may have ended. */
export interface LoginServices extends BearerServices {
  readonly containment: Containment
}

/** Authenticates a request by its token, and refuses one whose login has ended. */
export async function authenticateLogin(
  context: RequestContext,
  services: LoginServices,
): Promise<Subject | Refusal> {
  const subject = await authenticateBearer(context, services)
  if (subject instanceof Refusal) return subject
  return (await services.containment.refuseRevoked(subject, context.waitUntil)) ?? subject
}

/**
 * Authenticates a request by the token in its `Authorization` header (RFC 6750 2.1, RFC 9449 7.1), or else in a header that
 * the configuration names. Only the first of them counts, so that a good token never makes up for a bad one.
 */
export async function authenticateBearer(
  context: RequestContext,
  services: BearerServices,
): Promise<Subject | Refusal> {
  if (hasTokenInQuery(context.request)) return new Refusal('token_in_query')
  return verifyCredential(context, credentialOf(context, services), services)
}

/**
 * Returns whether the token of a request that was authenticated is still good: not expired, and its key or the issuer's
 * word still in force. Its sender proved a key of its own when the request came, and no proof is good twice.
 */
export async function isStillGood(context: RequestContext, services: BearerServices): Promise<boolean> {
  const { request, waitUntil, now } = context
  const credential = credentialOf(context, services)
  if (credential instanceof Refusal) return false
  const subject = await services.tokens.verifyToken(credential, { request, waitUntil, now, at: now() })
  return !(subject instanceof Refusal)
}

function credentialOf(context: RequestContext, services: BearerServices): Credential | Refusal {
  const { request } = context
  return (
    authorizationToken(request, services.tokens.acceptsProofs) ??
    theOnly(placedTokens(request, services, false), context)
  )
}

/**
 * Returns the tokens that the configured places of a request hold. Those of a page of another site don't count: the browser
 * adds the cookies, and a login proxy makes its header of one. Such a page could ask for others' recordings in the name of its
 * visitor, whose session would be blocked for it.
 */
export function placedTokens(
  request: Request,
  { places, cors }: BearerServices,
  withCookies: boolean,
): readonly PlacedToken[] {
  return cors.isForeign(request) ? [] : places.presented(request, withCookies)
}

// RFC 6750 2.1, b64token.
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

/** Returns the one token that the configured places hold. Refuses two that differ. */
export function theOnly(presented: readonly PlacedToken[], context: RequestContext): Credential | Refusal {
  const [first, ...others] = presented
  if (first === undefined) return new Refusal('token_missing')
  context.presented = presented.map(({ token }) => token).join(' ')
  // The gate can't know which of them a proxy checked. The other one may be what an attacker planted.
  if (others.some(({ token }) => token !== first.token)) return new Refusal('token_ambiguous')
  if (!TOKEN.test(first.token)) return new Refusal('token_malformed')
  return { token: first.token, places: presented.map(({ place }) => place) }
}

/**
 * Verifies the token of a request. One that is refused may still prove by a good signature whose it is: then the record
 * says so.
 */
export async function verifyCredential(
  context: RequestContext,
  credential: Credential | Refusal,
  { tokens }: BearerServices,
): Promise<Subject | Refusal> {
  if (credential instanceof Refusal) return credential
  let outcome: Subject | Refusal
  try {
    outcome = await tokens.verify(credential, context)
  } catch (error) {
    // Nothing is proven. The entry is all that the record may have of the token.
    context.token = tokens.claimedEntry(credential)
    throw error
  }
  const subject = outcome instanceof TokenRefusal ? outcome.facts.subject : outcome
  if (outcome instanceof TokenRefusal) context.token = outcome.facts
  if (subject !== undefined && !(subject instanceof Refusal)) context.subject = subject
  return outcome
}
