import { admit, ticketCookie } from '../authenticate/admission.ts'
import { hasTokenInQuery } from '../authenticate/credential.ts'
import type { Issuer } from '../authenticate/issuer.ts'
import type { Subject } from '../authenticate/subject.ts'
import type { Tickets } from '../authenticate/ticket.ts'
import type { Attempt } from '../ledger/observe.ts'
import type { CompiledLocation } from '../locate/location.ts'
import { placeOfTicket, type TicketShown } from '../locate/target.ts'
import type { Place } from '../recording.ts'
import { isRefused, type Refused, refused } from '../refusal.ts'
import type { WaitUntil } from '../wait-until.ts'

/** Who wants to watch, and what. */
export interface Viewer {
  readonly subject: Subject
  readonly place: Place
}

/** What finding out takes beside the request. */
export interface Admissions {
  /** Finds out who asks by the bearer token, and notes it for the record. */
  readonly identify: (attempt: Attempt, waitUntil: WaitUntil) => Promise<Subject | Refused>
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
export async function identifyViewer(
  attempt: Attempt,
  target: TicketShown | { readonly place: Place },
  admissions: Admissions,
  waitUntil: WaitUntil,
): Promise<Viewer | Refused> {
  const { request } = attempt
  const { identify, tickets } = admissions
  if ('ticket' in target) {
    if (tickets === undefined) return refused('path_invalid')
    if (hasTokenInQuery(request)) return refused('token_in_query')
    return admitted(attempt, target.ticket, target, tickets, admissions)
  }
  const { place } = target
  // What is in the query is refused whatever else there is, and a bad header is not made good by a cookie.
  const bare = !request.headers.has('authorization') && !hasTokenInQuery(request)
  const cookie = bare ? ticketCookie(request.headers) : undefined
  if (cookie !== undefined && tickets !== undefined)
    return admitted(attempt, cookie, target, tickets, admissions)

  const subject = await identify(attempt, waitUntil)
  return isRefused(subject) ? subject : { subject, place }
}

/** A ticket that is refused may still be ours: the record says whose it is, and what for. */
async function admitted(
  attempt: Attempt,
  text: string,
  target: TicketShown | { readonly place: Place },
  tickets: Tickets,
  { issuers, locations }: Admissions,
): Promise<Viewer | Refused> {
  const outcome = await admit(text, tickets, issuers, {
    recording: 'place' in target ? target.place.recording : undefined,
    network: () => attempt.network().prefix,
    agent: attempt.request.headers.get('user-agent'),
    now: attempt.at,
  })
  const ticket = isRefused(outcome) ? outcome.ticket : outcome
  if (ticket === undefined) return refused('ticket_invalid')
  attempt.subject = ticket.subject
  attempt.ticket = ticket.id
  const place = 'place' in target ? target.place : placeOfTicket(ticket, target.part, locations)
  if (place !== undefined) attempt.place = place
  if (isRefused(outcome)) return outcome
  return place === undefined ? refused('path_invalid') : { subject: ticket.subject, place }
}
