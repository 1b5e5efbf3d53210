import type { Subject } from '../authorize/subject.ts'
import { Refusal } from '../refusal.ts'
import type { Ticket, Tickets } from './ticket.ts'

/** What a ticket is compared with. */
export interface TicketCheck {
  /** The requested recording. Undefined if the ticket alone names it. */
  readonly recording: string | undefined
  /** Returns the network that the request came from. Called only for a ticket that is bound to one. */
  readonly network: () => string | undefined
  readonly agent: string | null
  /** Milliseconds since 1970. */
  readonly now: number
}

/** What the configuration says now of a ticket's subject. Undefined if its issuer is no longer trusted. */
type Trust = (subject: Subject) => { readonly allow_actor?: boolean; readonly owns: boolean } | undefined

type TicketReason = 'ticket_invalid' | 'ticket_expired' | 'ticket_scope'

/** Refuses a ticket of this gate, so that the record can name its subject. */
export class TicketRefusal extends Refusal {
  readonly ticket: Ticket

  constructor(reason: TicketReason, ticket: Ticket) {
    super(reason)
    this.ticket = ticket
  }
}

/** Verifies a ticket. Called for every request: it may have expired, or be sent from elsewhere than it is valid. */
export async function verifyTicket(
  encrypted: string,
  tickets: Tickets,
  trustOf: Trust,
  { recording, network, agent, now }: TicketCheck,
): Promise<Ticket | Refusal> {
  const ticket = await tickets.read(encrypted)
  const trust = ticket && trustOf(ticket.subject)
  // An issuer that is no longer trusted proves nothing, even by a ticket from when it was.
  if (ticket === undefined || trust === undefined) return new Refusal('ticket_invalid')
  const refuse = (reason: TicketReason) => new TicketRefusal(reason, ticket)
  if (ticket.subject.actor !== undefined && trust.allow_actor !== true) return refuse('ticket_invalid')
  // Of before `owns: false` was set: an id that opens nothing now.
  if (!trust.owns && ticket.subject.owns !== false) return refuse('ticket_invalid')
  // A client can send a cookie to any path. Only browsers keep it to the one that it was set for.
  if (recording !== undefined && ticket.recording !== recording) return refuse('ticket_scope')
  if (now >= ticket.expires * 1000) return refuse('ticket_expired')
  if (ticket.network !== undefined && ticket.network !== network()) return refuse('ticket_scope')
  if (ticket.agent !== undefined && ticket.agent !== agentOf(agent)) return refuse('ticket_scope')
  return ticket
}

/** Returns the part of a `User-Agent` that a ticket is bound to. Undefined if the header is absent or empty. */
export function agentOf(header: string | null): string | undefined {
  return header === null || header === '' ? undefined : header.slice(0, 256)
}
