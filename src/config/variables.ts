import type { Issuer } from '../authenticate/issuer.ts'
import type { ViewPolicy } from '../ledger/views.ts'
import { type Location, locationsUnder } from '../locate/location.ts'
import type { CookiePolicy, TicketBinding } from '../ticket/ticket-options.ts'
import { ConfigurationError, type MediawardOptions } from './options.ts'

/** The variables of a deployment: the same on every runtime. All are texts. */
export type Variables = Readonly<Record<string, unknown>>

/** The names that are read. What each is for stands with the option of the same meaning. */
export const VARIABLES = {
  ISSUERS: 'issuers',
  PSEUDONYM_KEY: 'pseudonymKey',
  MEDIA_PREFIX: 'locations',
  LOCATIONS: 'locations',
  ALLOWED_ORIGINS: 'allowedOrigins',
  ALLOWED_HEADERS: 'allowedHeaders',
  CONCEALED_STATUS: 'concealedStatus',
  VIEWS: 'views',
  TICKET_KEY: 'tickets',
  TICKET_TTL: 'tickets',
  TICKET_COOKIE: 'tickets',
  TICKET_BINDING: 'tickets',
  PUBLIC_URL: 'publicUrl',
  LEDGER_SHARDS: 'ledgerShards',
} as const

/** The options that can be said in variables. */
export type VariableOptions = Pick<
  MediawardOptions,
  | 'issuers'
  | 'pseudonymKey'
  | 'locations'
  | 'views'
  | 'allowedOrigins'
  | 'allowedHeaders'
  | 'concealedStatus'
  | 'tickets'
  | 'publicUrl'
> & { readonly ledgerShards: number }

/** The worker has routes of its own below /console and /play, and at /healthz. */
const PREFIX = /^(?!\/(?:console|healthz|play)(?:\/|$))(?:\/[A-Za-z0-9_-]+)+$/
/** Most shards: reading the log asks each of them. */
const MAX_SHARDS = 64

/**
 * Reads the variables as options. What they must be like is checked by `checkOptions`.
 *
 * @throws ConfigurationError where a text can't be read as what it should be
 */
export function readVariables(variables: Variables): VariableOptions {
  const mistakes: string[] = []
  const text = (name: keyof typeof VARIABLES): string | undefined => {
    const value = variables[name]
    if (value !== undefined && typeof value !== 'string')
      mistakes.push(`${name} must be a text: put it in quotes`)
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
  }
  const list = (name: keyof typeof VARIABLES): readonly unknown[] | undefined => {
    const json = text(name)
    if (json === undefined) return undefined
    try {
      const value: unknown = JSON.parse(json)
      if (Array.isArray(value)) return value
      mistakes.push(`${name} must be a JSON list: put "[" and "]" around it`)
    } catch {
      // What the parser says would quote the text.
      mistakes.push(`${name} is not valid JSON: check quotes, commas and brackets`)
    }
    return []
  }

  const issuers = list('ISSUERS')
  const locations = list('LOCATIONS')
  const prefix = text('MEDIA_PREFIX')
  if (prefix !== undefined && locations !== undefined) {
    mistakes.push('MEDIA_PREFIX has no effect beside LOCATIONS: take one of them away')
  }
  if (prefix !== undefined && !PREFIX.test(prefix)) {
    mistakes.push(
      'MEDIA_PREFIX must be a path of letters, digits, "_", "-" and "/" that begins with "/", does not end with one, and is not below /console, /healthz or /play, as in "/recordings"',
    )
  }
  const concealed = text('CONCEALED_STATUS')
  if (concealed !== undefined && concealed !== '404' && concealed !== '403') {
    mistakes.push('CONCEALED_STATUS must be 404 or 403')
  }
  const shards = Number(text('LEDGER_SHARDS') ?? 4)
  if (!Number.isInteger(shards) || shards < 1 || shards > MAX_SHARDS) {
    mistakes.push(`LEDGER_SHARDS must be a whole number from 1 to ${MAX_SHARDS}`)
  }
  const origins = text('ALLOWED_ORIGINS')
  const headers = text('ALLOWED_HEADERS')
  const publicUrl = text('PUBLIC_URL')
  const views = text('VIEWS')
  const ticketKeys = text('TICKET_KEY')
  const [lifetime, cookie, binding] = [text('TICKET_TTL'), text('TICKET_COOKIE'), text('TICKET_BINDING')]
  if (ticketKeys === undefined && [lifetime, cookie, binding].some(value => value !== undefined)) {
    mistakes.push(
      'TICKET_TTL, TICKET_COOKIE and TICKET_BINDING have no effect without TICKET_KEY: set it too',
    )
  }
  const pseudonymKey = text('PSEUDONYM_KEY') ?? ''
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
  return {
    // JSON of any kind so far: checkOptions looks at every member before one is used.
    issuers: (issuers ?? []) as readonly Issuer[],
    locations: (locations ?? locationsUnder(prefix ?? '/recordings')) as readonly Location[],
    pseudonymKey,
    ledgerShards: shards,
    ...(origins !== undefined && { allowedOrigins: items(origins) }),
    ...(headers !== undefined && { allowedHeaders: items(headers) }),
    ...(publicUrl !== undefined && { publicUrl }),
    ...(views !== undefined && { views: views as ViewPolicy }),
    ...(ticketKeys !== undefined && {
      tickets: {
        keys: items(ticketKeys),
        ...(lifetime !== undefined && { lifetime: Number(lifetime) }),
        ...(cookie !== undefined && { cookie: cookie as CookiePolicy }),
        ...(binding !== undefined && { binding: items(binding) as TicketBinding[] }),
      },
    }),
    ...(concealed !== undefined && { concealedStatus: concealed === '403' ? 403 : 404 }),
  }
}

const items = (list: string): string[] => list.split(',').map(item => item.trim())
