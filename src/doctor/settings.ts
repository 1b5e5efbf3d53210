import type { Issuer } from '../authenticate/issuer.ts'
import type { ViewPolicy } from '../ledger/views.ts'
import type { Location } from '../locate/location.ts'
import type { TicketOptions } from '../ticket/ticket-options.ts'
import type { RuleSettings } from '../watch/in-force.ts'

/** The part of a gate's options that the doctor judges. They were checked before: each of them is right by itself. */
export interface Settings {
  readonly issuers: readonly Issuer[]
  readonly pseudonymKey: string | readonly string[]
  readonly allowedOrigins: readonly string[]
  readonly views: ViewPolicy
  readonly tickets?: Required<TicketOptions>
  readonly publicUrl?: string | undefined
  readonly metricsToken?: string | undefined
  readonly lockdownUndo: 'one' | 'two'
  readonly drills: 'allow' | 'refuse'
  readonly locations: readonly Location[]
  readonly rules?: RuleSettings | undefined
}

// RFC 6761 and RFC 2606: names that no provider can have.
const RESERVED = /(?:^|\.)(?:example|test|invalid|localhost|example\.(?:com|net|org))$/

/** Parses a URL. Undefined if the string is not one. */
export const parseUrl = (url: string | undefined): URL | undefined =>
  url !== undefined && URL.canParse(url) ? new URL(url) : undefined

/** Returns whether a host name is one of documents and tests, such as `login.clinic.example`. */
export const isReserved = (url: URL | undefined): boolean => url !== undefined && RESERVED.test(url.hostname)

/**
 * Guesses whether two URLs are of one site, so that browsers send a `SameSite` cookie from one to the other: their schemes
 * are the same, and the ends of their host names. It is a guess, as only the list of public suffixes says where the name of
 * a site begins.
 */
export function isProbablySameSite(one: URL, other: URL): boolean {
  return one.protocol === other.protocol && siteOf(one.hostname) === siteOf(other.hostname)
}

/** Two labels, or three below a short second level of a country, as in `clinic.co.uk`. */
function siteOf(host: string): string {
  const labels = host.split('.')
  const [second = '', top = ''] = labels.slice(-2)
  return labels.slice(top.length === 2 && second.length <= 3 ? -3 : -2).join('.')
}
