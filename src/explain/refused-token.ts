import { type Claims, isPresent } from '../authenticate/claim-value.ts'
import type { Entry } from '../authenticate/entry.ts'
import { isJwsForm, parseToken } from '../authenticate/parse-token.ts'
import { authorizationToken } from '../http/credential.ts'
import type { Reason } from '../reason.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext, TokenFacts } from '../request-context.ts'

/**
 * Why a token was refused, for the person who configured the gate: what came and what is configured, and how to fix it, in
 * one clause. Holds nothing of a token that may not be shown.
 *
 * `variant` distinguishes it from other advice with the same reason, entry and claim, if its fix doesn't. `isStrange` if
 * callers can cause as many different ones as they like.
 */
export type Advice = readonly [found: string, fix: string, variant?: string, isStrange?: boolean]

/** The token of a request, and what the gate found out about it. */
export interface ReadToken {
  readonly facts: TokenFacts
  /** The entry that the token was compared with. Undefined if there was none. */
  readonly entry: Entry | undefined
  readonly entries: readonly Entry[]
  readonly request: Request
  /** When the request came, in milliseconds since 1970. */
  readonly at: number
  /** The token as it came. Undefined if no token was found. */
  readonly token: string | undefined
  /** Whether it has a header and claims that can be read. Without them both are empty. */
  readonly isParsed: boolean
  readonly header: Claims
  readonly payload: Claims
}

/** A request that was refused because of its token, or for want of one. */
export interface RefusedToken extends ReadToken {
  readonly reason: Reason
  /**
   * Why the provider couldn't be asked for its keys, or about the token, and how to fix that. Known only to what tried the
   * request itself: on the console, what asked the provider writes it.
   */
  readonly why?: { readonly message: string; readonly fix: string } | undefined
}

/** Advises on one reason: always the same, or as the token is. Undefined if there is nothing to fix. */
export type Advise = Advice | ((refused: RefusedToken) => Advice | undefined)

/**
 * Reads the token of a request once more, for the rare case that something is to be said of it.
 *
 * @param token the token as it came. Default: the one in the request
 */
export function readToken(
  context: RequestContext,
  entries: readonly Entry[],
  token: string | undefined = tokenIn(context),
): ReadToken {
  const { request, at, subject } = context
  const facts: TokenFacts = { ...(subject !== undefined && { subject }), ...context.token }
  const parsed = token === undefined ? undefined : parseToken(token)
  const { header = {}, payload = {} } = parsed ?? {}
  const entry = entryOf(facts, payload, entries)
  return { facts, entry, entries, request, at, token, isParsed: parsed !== undefined, header, payload }
}

function tokenIn({ request, presented }: RequestContext): string | undefined {
  const sent = authorizationToken(request, true)
  return sent === undefined || sent instanceof Refusal ? presented?.split(' ')[0] : sent.token
}

/** Returns whether the gate asks an issuer about a token of this form. */
export const isIntrospected = (token: string, entries: readonly Entry[]): boolean =>
  entries.some(({ introspection }) => introspection !== undefined) && !isJwsForm(token)

/** Returns whether a signature proves whose token it is. Of any other token, all may be a lie. */
export const isProven = ({ issuer, subject }: TokenFacts): boolean => isPresent(issuer ?? subject)

function entryOf(
  { entry, subject }: TokenFacts,
  { iss }: Claims,
  entries: readonly Entry[],
): Entry | undefined {
  const name = subject === undefined ? entry : (subject.entry ?? subject.issuer)
  const named = entries.filter(one => one.name === name)
  // The entries of a template share a name.
  return named.find(({ issuer }) => issuer === iss) ?? named[0]
}
