/** What a ticket can be bound to, beside its recording. */
export type TicketBinding = 'network' | 'user-agent'

/** From whose pages a browser sends a ticket's cookie. */
export type CookiePolicy = 'strict' | 'lax' | 'none' | 'partitioned'

/** How tickets are issued, for players that can't send a header. */
export interface TicketOptions {
  /**
   * The secrets that tickets are encrypted under, each at least 32 characters, random. The first one writes, all of
   * them read: put a new one in front, and take the old one away when its last ticket has ended. Variable
   * `TICKET_KEY`, with commas between several. Whoever has one can be anybody's patient.
   */
  readonly keys: readonly string[]
  /** How long a ticket is good, in seconds, 1 to 86400. Default 3600. Variable `TICKET_TTL`. */
  readonly lifetime?: number
  /**
   * From whose pages a browser sends the cookie: those of the same site (`strict`, `lax`), or of all (`none`;
   * `partitioned` where browsers keep no others of third parties). Default `strict`. Variable `TICKET_COOKIE`.
   */
  readonly cookie?: CookiePolicy
  /**
   * What else must be as it was when the ticket was issued: the network of the viewer (/24 of IPv4, /48 of IPv6), the
   * `User-Agent`. Default nothing: phones change networks in the middle of a film, and a television that is handed the
   * URL has another of both. Variable `TICKET_BINDING`.
   */
  readonly binding?: readonly TicketBinding[]
}

/** Seconds. As long as a consultation, so that few players must renew. */
export const TICKET_LIFETIME = 3600
const MAX_LIFETIME = 86_400
const MIN_KEY = 32

/** Names every mistake in the options of tickets. No key is repeated. */
export function checkTicketOptions({ keys, lifetime, cookie, binding = [] }: TicketOptions): string[] {
  const mistakes: string[] = []
  if (keys.length === 0 || !keys.every(key => typeof key === 'string' && key.length >= MIN_KEY)) {
    mistakes.push(
      `TICKET_KEY (tickets.keys) must be secrets of at least ${MIN_KEY} characters each, with a comma between two and none within: make one with "openssl rand -base64 32"`,
    )
  }
  if (lifetime !== undefined && !(Number.isInteger(lifetime) && lifetime >= 1 && lifetime <= MAX_LIFETIME)) {
    mistakes.push(`TICKET_TTL (tickets.lifetime) must be a whole number of seconds from 1 to ${MAX_LIFETIME}`)
  }
  if (![undefined, 'strict', 'lax', 'none', 'partitioned'].includes(cookie)) {
    mistakes.push('TICKET_COOKIE (tickets.cookie) must be strict, lax, none or partitioned')
  }
  if (!binding.every(one => one === 'network' || one === 'user-agent')) {
    mistakes.push('TICKET_BINDING (tickets.binding) may hold network and user-agent, with a comma between')
  }
  return mistakes
}
