import { refused } from '../refusal.ts'
import type { TokenRefused } from './claims.ts'
import type { Issuer } from './issuer.ts'
import type { Ticket, Tickets } from './ticket.ts'

/** What a ticket is held against. */
export interface Admission {
  /** The recording that is asked for; undefined where it is the ticket that names it. */
  readonly recording: string | undefined
  /** The network that the request came from. Asked only of tickets that are bound to one. */
  readonly network: () => string | undefined
  readonly agent: string | null
  /** Milliseconds since 1970. */
  readonly now: number
}

/** A ticket that was refused; `ticket` is there where it was ours, so that the record can say whose it was. */
export interface TicketRefused extends TokenRefused {
  readonly ticket?: Ticket
}

/** The cookie that a ticket travels in. `__Secure-`: a page without TLS can't set it (RFC 6265bis 4.1.3). */
export const TICKET_COOKIE = '__Secure-mediaward-ticket'

/** Checks a ticket anew for every request: it may have ended, or be shown where it isn't good. */
export async function admit(
  text: string,
  tickets: Tickets,
  issuers: ReadonlyMap<string, Issuer>,
  { recording, network, agent, now }: Admission,
): Promise<Ticket | TicketRefused> {
  const ticket = await tickets.read(text)
  const issuer = issuers.get(ticket?.subject.issuer ?? '')
  // An issuer that is no longer trusted vouches for nobody, however old the ticket.
  if (ticket === undefined || issuer === undefined) return refused('ticket_invalid')
  const refuse = (reason: 'ticket_invalid' | 'ticket_expired' | 'ticket_scope'): TicketRefused => ({
    ...refused(reason),
    subject: ticket.subject,
    ticket,
  })
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

/** The ticket in a request's cookie: the first, which browsers send for the longest path (RFC 6265 5.4). */
export function ticketCookie(headers: Headers): string | undefined {
  return COOKIE.exec(headers.get('cookie') ?? '')?.[1]
}
// HTTP's own white space: `trim` takes more, and then a name that only looks like it, and has no `__Secure-`, would do.
const COOKIE = new RegExp(`(?:^|;)[ \\t]*${TICKET_COOKIE}=([^; \\t]*)`)
