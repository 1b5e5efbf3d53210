import type { Subject } from '../authorize/subject.ts'
import { authorizationToken, hasTokenInQuery, ticketCookie } from '../http/credential.ts'
import type { CompiledLocation } from '../locate/location.ts'
import { type PlayRecording, type PlayTicket, refOfTicket } from '../locate/target.ts'
import type { ObjectRef } from '../recordings/recording.ts'
import { Refusal } from '../refusal.ts'
import type { RequestContext } from '../request-context.ts'
import type { Tickets } from '../ticket/ticket.ts'
import { TicketRefusal, verifyTicket } from '../ticket/verify-ticket.ts'
import { type LoginServices, placedTokens, theOnly, verifyCredential } from './bearer.ts'
import type { TrustedIssuers } from './trusted-issuers.ts'

/** Who asks to play a recording, and which object. */
export interface AuthenticatedPlayback {
  readonly subject: Subject
  readonly ref: ObjectRef
}

/** What authenticating a request to play takes beside the request. */
export interface PlaybackServices extends LoginServices {
  /** Undefined if this gate has no tickets. */
  readonly tickets: Tickets | undefined
  readonly issuers: TrustedIssuers
  readonly locations: readonly CompiledLocation[]
}

/** What a request asks to play: an object, or whatever its ticket is for. */
type PlaybackRequest = PlayRecording | PlayTicket

/**
 * Authenticates a request to play: by the ticket in the path, else by the token in `Authorization`, else in a configured
 * header, else by the ticket in the cookie, else by the token in a configured cookie. Only the first that is there counts,
 * so that a good one never makes up for a bad one.
 */
export async function authenticatePlayback(
  context: RequestContext,
  playback: PlaybackRequest,
  services: PlaybackServices,
): Promise<AuthenticatedPlayback | Refusal> {
  const authenticated = await authenticateCredential(context, playback, services)
  if (authenticated instanceof Refusal) return authenticated
  // Also by a ticket: it comes from a login, and ends with it.
  const { containment } = services
  return (await containment.refuseRevoked(authenticated.subject, context.waitUntil)) ?? authenticated
}

async function authenticateCredential(
  context: RequestContext,
  playback: PlaybackRequest,
  services: PlaybackServices,
): Promise<AuthenticatedPlayback | Refusal> {
  const { request } = context
  const { tickets, tokens } = services
  if (playback.ticket !== undefined) {
    if (tickets === undefined) return new Refusal('path_invalid')
    if (hasTokenInQuery(request)) return new Refusal('token_in_query')
    return authenticateTicket(context, playback.ticket, playback, { ...services, tickets })
  }
  if (hasTokenInQuery(request)) return new Refusal('token_in_query')
  let credential = authorizationToken(request, tokens.acceptsProofs)
  if (credential === undefined) {
    const presented = placedTokens(request, services, true)
    const cookie = presented[0]?.place.in === 'header' ? undefined : ticketCookie(request.headers)
    if (cookie !== undefined && tickets !== undefined) {
      return authenticateTicket(context, cookie, playback, { ...services, tickets })
    }
    credential = theOnly(presented, context)
  }
  const subject = await verifyCredential(context, credential, services)
  return subject instanceof Refusal ? subject : { subject, ref: playback.ref }
}

/** Authenticates by a ticket. If it refuses one that the gate issued, the record still names its subject and recording. */
async function authenticateTicket(
  context: RequestContext,
  encrypted: string,
  playback: PlaybackRequest,
  { tickets, issuers, locations }: PlaybackServices & { readonly tickets: Tickets },
): Promise<AuthenticatedPlayback | Refusal> {
  const outcome = await verifyTicket(encrypted, tickets, subject => issuers.entryOf(subject), {
    recording: playback.ref?.recording,
    network: () => context.network().prefix,
    agent: context.request.headers.get('user-agent'),
    now: context.at,
  })
  if (outcome instanceof Refusal && !(outcome instanceof TicketRefusal)) return outcome
  const ticket = outcome instanceof TicketRefusal ? outcome.ticket : outcome
  context.subject = ticket.subject
  context.ticket = ticket.id
  if (ticket.release !== undefined) context.ticketRelease = ticket.release
  const ref = playback.ref ?? refOfTicket(ticket, playback.part, locations)
  if (ref !== undefined) context.ref = ref
  if (outcome instanceof Refusal) return outcome
  return ref === undefined ? new Refusal('path_invalid') : { subject: ticket.subject, ref }
}
