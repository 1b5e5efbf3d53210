import type { Subject } from '../authorize/subject.ts'
import { hasTokenInQuery, ticketCookie } from '../http/credential.ts'
import type { CompiledLocation } from '../locate/location.ts'
import { type PlayRecording, type PlayTicket, refOfTicket } from '../locate/target.ts'
import type { ObjectRef } from '../recordings/recording.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import type { Tickets } from '../ticket/ticket.ts'
import { TicketRefusal, verifyTicket } from '../ticket/verify-ticket.ts'
import { authenticateBearer, type BearerServices } from './bearer.ts'
import type { Issuer } from './issuer.ts'

/** Who asks to play a recording, and which object. */
export interface AuthenticatedPlayback {
  readonly subject: Subject
  readonly ref: ObjectRef
}

/** What authenticating a request to play takes beside the request. */
export interface PlaybackServices extends BearerServices {
  /** Undefined if this gate has no tickets. */
  readonly tickets: Tickets | undefined
  /** The issuers that are trusted now, by name. */
  readonly issuers: ReadonlyMap<string, Issuer>
  readonly locations: readonly CompiledLocation[]
}

/** What a request asks to play: an object, or whatever its ticket is for. */
type PlaybackRequest = PlayRecording | PlayTicket

/**
 * Authenticates a request to play: by the ticket in the path, else by the bearer token, else by the ticket in the cookie.
 * Only one of them counts, so that a good one never makes up for a bad one.
 */
export async function authenticatePlayback(
  context: RequestContext,
  playback: PlaybackRequest,
  services: PlaybackServices,
): Promise<AuthenticatedPlayback | Refusal> {
  const { request } = context
  const { tickets } = services
  if (playback.ticket !== undefined) {
    if (tickets === undefined) return new Refusal('path_invalid')
    if (hasTokenInQuery(request)) return new Refusal('token_in_query')
    return authenticateTicket(context, playback.ticket, playback, { ...services, tickets })
  }
  // A token in the query is refused whatever else there is, and a cookie doesn't make up for a bad header.
  const bare = !request.headers.has('authorization') && !hasTokenInQuery(request)
  const cookie = bare ? ticketCookie(request.headers) : undefined
  if (cookie !== undefined && tickets !== undefined) {
    return authenticateTicket(context, cookie, playback, { ...services, tickets })
  }
  const subject = await authenticateBearer(context, services)
  return subject instanceof Refusal ? subject : { subject, ref: playback.ref }
}

/** Authenticates by a ticket. If it refuses one that the gate issued, the record still names its subject and recording. */
async function authenticateTicket(
  context: RequestContext,
  encrypted: string,
  playback: PlaybackRequest,
  { tickets, issuers, locations }: PlaybackServices & { readonly tickets: Tickets },
): Promise<AuthenticatedPlayback | Refusal> {
  const outcome = await verifyTicket(encrypted, tickets, issuers, {
    recording: playback.ref?.recording,
    network: () => context.network().prefix,
    agent: context.request.headers.get('user-agent'),
    now: context.at,
  })
  if (outcome instanceof Refusal && !(outcome instanceof TicketRefusal)) return outcome
  const ticket = outcome instanceof TicketRefusal ? outcome.ticket : outcome
  context.subject = ticket.subject
  context.ticket = ticket.id
  const ref = playback.ref ?? refOfTicket(ticket, playback.part, locations)
  if (ref !== undefined) context.ref = ref
  if (outcome instanceof Refusal) return outcome
  return ref === undefined ? new Refusal('path_invalid') : { subject: ticket.subject, ref }
}
