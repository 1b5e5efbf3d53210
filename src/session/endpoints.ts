import { type AnalystServices, readAnalystCall } from '../authenticate/analyst.ts'
import { type Entry, hasSubAsId } from '../authenticate/entry.ts'
import { idIn } from '../authenticate/identity.ts'
import { verifyLogoutToken } from '../authenticate/logout-token.ts'
import { nameSpaceOf } from '../authorize/subject.ts'
import { hexOf, sha256 } from '../base/bytes.ts'
import { present } from '../base/present.ts'
import { readForm } from '../http/read-json.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { emptyResponse, jsonResponse } from '../http/response-headers.ts'
import { Refusal } from '../refusal.ts'
import type { Endpoint, RequestContext } from '../request-context.ts'
import { type Ended, endOnce, type RevocationServices, revoke } from './revocation.ts'
import { readRevocation } from './revocation-query.ts'

/** What the routes that end logins take beside the request. */
export interface SessionServices extends AnalystServices, RevocationServices {
  readonly bodyTimeouts: Required<BodyTimeouts>
}

/** Most bytes of a call: those of the longest token, and its name. */
const MAX_FORM = 20_000
const MAX_JSON = 4_096

/** Creates the endpoints that end logins, by path. No lockdown stops them. */
export function sessionEndpoints(services: SessionServices): ReadonlyMap<string, Endpoint> {
  const allow = () => 'POST, OPTIONS'
  return new Map<string, Endpoint>([
    ['/session/logout', { allow, handle: context => logOut(context, services) }],
    ['/session/revoke', { allow, handle: context => revokeLogin(context, services) }],
  ])
}

/** Ends a login because its issuer says so (OpenID Connect Back-Channel Logout 1.0, 2.5). The token is the credential. */
async function logOut(context: RequestContext, services: SessionServices): Promise<Response | Refusal> {
  const { request, waitUntil, at } = context
  if (request.method !== 'POST') return new Refusal('method_not_allowed')
  const { bodyTimeouts, issuers } = services
  const form = await readForm(request, {
    most: MAX_FORM,
    invalid: 'logout_invalid',
    timeout: bodyTimeouts.json,
  })
  if (form instanceof Refusal) return form
  const logout = await verifyLogoutToken(form.get('logout_token') ?? '', issuers, at, waitUntil)
  if (logout instanceof Refusal) {
    context.token = logout.facts
    return logout
  }
  const { entries, subject, session, id, issued, expires } = logout
  const [entry] = entries
  if (entry === undefined) return new Refusal('logout_invalid')
  const { name, issuer } = entry
  context.token = { entry: name, issuer }
  const by = { action: 'logout', by: name } as const
  // Tokens of some issuers name no session. Of the others, a login that goes on gets a new token at once.
  const ended: readonly Ended[] = [
    ...(session === undefined ? [] : [{ entry, scope: 'session', id: session } as const]),
    ...(subject === undefined
      ? []
      : entries
          .filter(hasSubAsId)
          .map(one => ({ entry: one, scope: 'subject', id: subject, issued }) as const)),
  ]
  const isFirst = await endOnce(context, { ended, key: await onceKey(issuer, id), expires }, by, services)
  return isFirst ? emptyResponse(200) : new Refusal('logout_invalid')
}

/** Returns what a logout token is known by: not by a pseudonym, which changes with its key. */
const onceKey = async (issuer: string, id: string): Promise<string> =>
  `logout:${hexOf(await sha256(JSON.stringify([issuer, id])))}`

/** Ends a login because a caller with the role `security` says so. */
async function revokeLogin(context: RequestContext, services: SessionServices): Promise<Response | Refusal> {
  const call = await readAnalystCall(context, services, { action: 'contain', most: MAX_JSON })
  if (call instanceof Refusal) return call
  const { subject, tenant } = call.analyst
  // The issuer's logins may be of any tenant.
  if (tenant !== undefined) return new Refusal('tenant_mismatch')
  const asked = readRevocation(call.json, services.issuers)
  if (asked instanceof Refusal) return asked
  const { entries, scope, id, reason } = asked
  const by = await services.pseudonym('subject', nameSpaceOf(subject), subject.id)
  const revoker = { action: 'revoke', by, ...present({ reason }) } as const
  // No later: who logs in again must get in. With its fraction, as some issuers give theirs.
  const issued = scope === 'subject' ? { issued: context.at / 1000 } : {}
  const ended = distinct(entries, scope).map(entry => {
    const named = scope === 'subject' ? idIn(id, entry.subject_claim ?? 'sub') : id
    return { entry, scope, id: named, ...issued }
  })
  const epochs = await revoke(context, ended, revoker, services)
  return jsonResponse({ epochs }, 201)
}

/** A session or token is one of the issuer's; a subject has an id in each name space of its entries. */
const distinct = (entries: readonly Entry[], scope: Ended['scope']): readonly Entry[] =>
  scope === 'subject' ? entries : entries.slice(0, 1)
