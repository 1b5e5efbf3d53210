import { Refusal } from '../refusal.ts'

import type { Ticket, Tickets } from './ticket.ts'

/** What a ticket is held against. */
export interface TicketCheck {
  /** The recording that is asked for; undefined where it is the ticket that names it. */
  readonly recording: string | undefined
  /** The network that the request came from. Asked only of tickets that are bound to one. */
  readonly network: () => string | undefined
  readonly agent: string | null
  /** Milliseconds since 1970. */
  readonly now: number
}

type TicketReason = 'ticket_invalid' | 'ticket_expired' | 'ticket_scope'

/** Refuses a ticket of ours, so that the record can say whose it was. */
export class TicketRefusal extends Refusal {
  readonly ticket: Ticket

  constructor(reason: TicketReason, ticket: Ticket) {
    super(reason)
    this.ticket = ticket
  }
}

/** Checks a ticket anew for every request: it may have ended, or be shown where it isn't good. */
export async function verifyTicket(
  text: string,
  tickets: Tickets,
  issuers: ReadonlyMap<string, { readonly allow_actor?: boolean }>,
  { recording, network, agent, now }: TicketCheck,
): Promise<Ticket | Refusal> {
  const ticket = await tickets.read(text)
  const issuer = issuers.get(ticket?.subject.issuer ?? '')
  // An issuer that is no longer trusted vouches for nobody, however old the ticket.
  if (ticket === undefined || issuer === undefined) return new Refusal('ticket_invalid')
  const refuse = (reason: TicketReason) => new TicketRefusal(reason, ticket)
  if (ticket.subject.actor !== undefined && issuer.allow_actor !== true) return refuse('ticket_invalid')
  // A cookie can be sent anywhere by hand: the path that the browser keeps it to is not what holds it there.
  if (recording !== undefined && ticket.recording !== recording) return refuse('ticket_scope')
  if (now >= ticket.expires * 1000) return refuse('ticket_expired')
  if (ticket.network !== undefined && ticket.network !== network()) return refuse('ticket_scope')
  if (ticket.agent !== undefined && ticket.agent !== agentOf(agent)) return refuse('ticket_scope')
  return ticket
}

/** As much of a `User-Agent` as a ticket is bound to; undefined where there is none to be bound to. */
export function agentOf(header: string | null): string | undefined {
  return header === null || header === '' ? undefined : header.slice(0, 256)
}
