import type { Subject } from '../authorize/subject.ts'
import type { WaitUntil } from '../base/wait-until.ts'
import { hasTokenInQuery, ticketCookie } from '../http/credential.ts'
import type { CompiledLocation } from '../locate/location.ts'
import { type PlayTicket, refOfTicket } from '../locate/target.ts'
import type { ObjectRef } from '../recordings/recording.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import type { Tickets } from '../ticket/ticket.ts'
import { TicketRefusal, verifyTicket } from '../ticket/verify-ticket.ts'
import type { Issuer } from './issuer.ts'

/** Who wants to watch, and what. */
export interface AuthenticatedPlayback {
  readonly subject: Subject
  readonly ref: ObjectRef
}

/** What finding out takes beside the request. */
export interface Admissions {
  /** Finds out who asks by the bearer token, and notes it for the record. */
  readonly identify: (context: RequestContext, waitUntil: WaitUntil) => Promise<Subject | Refusal>
  /** Undefined where this gate has no tickets. */
  readonly tickets: Tickets | undefined
  /** The issuers that are trusted now. */
  readonly issuers: ReadonlyMap<string, Issuer>
  readonly locations: readonly CompiledLocation[]
}

/**
 * Finds out who wants to watch: by the ticket in the path, else by the bearer token, else by the ticket in the cookie.
 * Only one of them counts, so that a good one never makes up for a bad one.
 */
export async function authenticatePlayback(
  context: RequestContext,
  target: PlayTicket | { readonly ref: ObjectRef },
  admissions: Admissions,
  waitUntil: WaitUntil,
): Promise<AuthenticatedPlayback | Refusal> {
  const { request } = context
  const { identify, tickets } = admissions
  if ('ticket' in target) {
    if (tickets === undefined) return new Refusal('path_invalid')
    if (hasTokenInQuery(request)) return new Refusal('token_in_query')
    return admitted(context, target.ticket, target, tickets, admissions)
  }
  const { ref } = target
  // What is in the query is refused whatever else there is, and a bad header is not made good by a cookie.
  const bare = !request.headers.has('authorization') && !hasTokenInQuery(request)
  const cookie = bare ? ticketCookie(request.headers) : undefined
  if (cookie !== undefined && tickets !== undefined)
    return admitted(context, cookie, target, tickets, admissions)

  const subject = await identify(context, waitUntil)
  return subject instanceof Refusal ? subject : { subject, ref }
}

/** A ticket that is refused may still be ours: the record says whose it is, and what for. */
async function admitted(
  context: RequestContext,
  text: string,
  target: PlayTicket | { readonly ref: ObjectRef },
  tickets: Tickets,
  { issuers, locations }: Admissions,
): Promise<AuthenticatedPlayback | Refusal> {
  const outcome = await verifyTicket(text, tickets, issuers, {
    recording: 'ref' in target ? target.ref.recording : undefined,
    network: () => context.network().prefix,
    agent: context.request.headers.get('user-agent'),
    now: context.at,
  })
  const ticket =
    outcome instanceof TicketRefusal ? outcome.ticket : outcome instanceof Refusal ? undefined : outcome
  if (ticket === undefined) return new Refusal('ticket_invalid')
  context.subject = ticket.subject
  context.ticket = ticket.id
  const ref = 'ref' in target ? target.ref : refOfTicket(ticket, target.part, locations)
  if (ref !== undefined) context.ref = ref
  if (outcome instanceof Refusal) return outcome
  return ref === undefined ? new Refusal('path_invalid') : { subject: ticket.subject, ref }
}
