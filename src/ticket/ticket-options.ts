/** A property that a ticket can be bound to in addition to its recording. */
export type TicketBinding = 'network' | 'user-agent'

/** From which pages a browser sends a ticket's cookie. */
export type CookiePolicy = 'strict' | 'lax' | 'none' | 'partitioned'

/** How tickets are issued, for players that can't send a header. */
export interface TicketOptions {
  /**
   * The secrets that tickets are encrypted with, each at least 32 random characters. The first one encrypts, all of them
   * decrypt.
   *
   * To replace one, put the new one in front, and remove the old one when its last ticket has expired. Anyone who has one
   * can pass for every patient.
   *
   * @defaultValue none: the gate issues no tickets and accepts none
   */
  readonly keys: readonly string[]
  /**
   * How long a ticket is valid, in seconds, 1 to 86400.
   *
   * @defaultValue `3600`
   */
  readonly lifetime?: number
  /**
   * From which pages a browser sends the cookie: those of the same site (`strict`, `lax`) or of all (`none`;
   * `partitioned` for browsers that keep no other third-party cookies).
   *
   * @defaultValue `strict`
   */
  readonly cookie?: CookiePolicy
  /**
   * What must be the same as when the ticket was issued: the viewer's network (`network`: /24 of IPv4, /48 of IPv6), the
   * `User-Agent` header (`user-agent`).
   *
   * Neither by default: a phone changes networks in the middle of a recording, and a television that is given the URL
   * differs in both.
   *
   * @defaultValue none
   */
  readonly binding?: readonly TicketBinding[]
}
