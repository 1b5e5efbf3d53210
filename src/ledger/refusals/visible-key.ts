import { nameSpaceOf } from '../../authorize/subject.ts'
import { hexOf } from '../../base/bytes.ts'
import { hasTokenInQuery, ticketCookie } from '../../http/credential.ts'
import { rawPath } from '../../locate/locate.ts'
import { TICKET_PREFIX } from '../../locate/location.ts'
import { stageOf } from '../../reason.ts'
import type { RequestContext } from '../../request-context.ts'
import type { AccessFacts } from '../event.ts'

/**
 * What the caller of a refusal knows of it: what was answered, to which request of whose. Nothing else may go in, as two
 * refusals with one key are answered with one id, and two that differ in it are not. Undefined for one that always gets a
 * record of its own: a fault of the gate, a conflict, an upload that can't be stored, or a call of questions, whose record
 * names what it asked about.
 */
export async function visibleKey(
  context: RequestContext,
  { reason, method, status }: AccessFacts,
): Promise<string | undefined> {
  const { ref, subject, ticket, asked } = context
  if (asked !== undefined) return undefined
  const stage = stageOf(reason)
  if (stage === 'fault' || stage === 'upload' || status === 409) return undefined
  // To a recorder, whose answer says what is wrong with what it sent.
  if (stage === 'playlist' && status === 400) return undefined
  const { ip, prefix } = context.network()
  // Whose a token is that isn't accepted isn't the caller's to know, or it would see that its signature was good. A bad
  // proof is answered otherwise than a bad token, and what was answered counts. Which proof it was does not: each request
  // needs a new one, so a client whose clock is wrong would get a record for each request, and so would anyone with a token.
  const who =
    subject === undefined || status === 401
      ? [ip, stage === 'proof', await credentialsOf(context)]
      : [nameSpaceOf(subject), subject.id, subject.token, ticket, prefix]
  return JSON.stringify([status, method, ref?.key, ...who])
}

/** The credentials of a request as they were sent: a hash, as they can be long, and the gate must not keep them. */
async function credentialsOf({ request, presented }: RequestContext): Promise<string | undefined> {
  const path = rawPath(request.url)
  const sent = [
    request.headers.get('authorization'),
    presented,
    ticketCookie(request.headers),
    path?.startsWith(TICKET_PREFIX) ? path : undefined,
    hasTokenInQuery(request) || undefined,
  ]
  if (sent.every(one => one === null || one === undefined)) return undefined
  const bytes = new TextEncoder().encode(JSON.stringify(sent))
  return hexOf(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
}
