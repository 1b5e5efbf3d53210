import type { Issuer } from '../authenticate/issuer.ts'
import type { Network } from '../base/network.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { MIN_KEY_LENGTH } from '../ledger/pseudonym.ts'
import type { ViewPolicy } from '../ledger/views.ts'
import { ambiguousPath } from '../locate/ambiguous-path.ts'
import { compileLocation, type Location, locationsUnder } from '../locate/location.ts'
import type { OwnerLookup, OwnerSource } from '../recordings/owner-source.ts'
import type { RecordingStore } from '../recordings/recording-store.ts'
import { checkTicketOptions, type TicketOptions } from '../ticket/ticket-options.ts'
import { checkIssuers } from './check-issuers.ts'

/** Everything that Mediaward is told by the app that mounts it, or by the variables of a deployment. */
export interface MediawardOptions {
  /** Whose tokens are trusted. At least one. Variable `ISSUERS` (JSON). */
  readonly issuers: readonly Issuer[]
  /** Where the recordings are. */
  readonly store: RecordingStore
  /**
   * Whose the recordings are: a function that looks it up, or several sources that must agree
   * (`agreeing(stampedOwners, lookup)`). It replaces the stamp on the object, which is the default.
   */
  readonly owner?: OwnerSource | OwnerLookup
  /** Where refusals are recorded. Without it nothing can be refused, so nothing is answered. */
  readonly ledger: Ledger
  /**
   * The secret under which people become pseudonyms in the log: at least 32 characters, random. Variable
   * `PSEUDONYM_KEY`. Whoever has it can test a guess at who a pseudonym is.
   */
  readonly pseudonymKey: string
  /**
   * From URL to stored object. Default: the two locations below `/recordings`, one for recordings of one file and one
   * for their parts. Variables `LOCATIONS` (JSON) or, for another prefix only, `MEDIA_PREFIX`.
   */
  readonly locations?: readonly Location[]
  /**
   * Whether the first byte of a view waits until the view is on record (`sync`), or not (`async`, and its record says so):
   * then a ledger that is down stops no video, and a crash may lose that somebody watched. Default `sync`. Variable
   * `VIEWS`.
   */
  readonly views?: ViewPolicy
  /** For players that can't send a header. Left out, no ticket is issued and none is taken. Needs `publicUrl`. */
  readonly tickets?: TicketOptions
  /**
   * The origin that players reach the gate at, such as `https://media.clinic.example`; `http://` only with a loopback
   * name. Tickets' URLs begin with it, an absolute URL in a playlist may begin with it, and the AuthZEN configuration
   * names it. None of them is ever made from a request's `Host`. Required with `tickets`. Default: none, so no absolute
   * URL in a playlist is the recording's own, and there is no AuthZEN configuration. Variable `PUBLIC_URL`.
   */
  readonly publicUrl?: string | undefined
  /** The origins whose pages may read answers, such as `https://app.clinic.example`. Default none. Variable `ALLOWED_ORIGINS`. */
  readonly allowedOrigins?: readonly string[]
  /**
   * Request headers that those pages may send, beside `Authorization` and the others that the gate reads and the ones
   * that players and tracing tools add by themselves (docs/players.md lists them). Default none. Variable
   * `ALLOWED_HEADERS`.
   */
  readonly allowedHeaders?: readonly string[]
  /** The status for "not yours", "not there" and "not your role" alike. Default 404. Variable `CONCEALED_STATUS`. */
  readonly concealedStatus?: 403 | 404
  /**
   * Where a request came from, as the runtime knows it; never from a header that a client can set. Is given what the
   * server hands over beside the request. Default: nothing.
   */
  readonly network?: (request: Request, platform: unknown) => Network
  /** How long clients may take to send a body. Default: 10 s for JSON, 60 s without a byte for an upload. */
  readonly bodyTimeouts?: BodyTimeouts
  /** Whether the gate answers `/healthz` with "ok". Default false; the deployed gate always does. */
  readonly health?: boolean
  /** Brings back records that the ledger couldn't take. Called by the gate's own `scheduled()`. */
  readonly replay?: () => Promise<void>
  /** Gives back what `store` and `ledger` hold. Called by the gate's own `close()`, after its last record. */
  readonly close?: () => void | Promise<void>
  /** Is given a record that no store would take. Default: the console, which platforms keep for a while. */
  readonly onUnrecorded?: (json: string) => void
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number
}

/** The clock of a gate. */
export function clockOf({ now = Date.now }: Pick<MediawardOptions, 'now'>): () => number {
  return now
}

/** A configuration that can't be served. Names every mistake: where, what is wrong, how to mend it. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError'

  constructor(mistakes: readonly string[]) {
    super(`Mediaward can't start:\n${mistakes.map(mistake => `  - ${mistake}`).join('\n')}`)
  }
}

/**
 * Checks options before the first request. Settings that could do harm have no default.
 *
 * @throws ConfigurationError with all mistakes at once
 */
export function checkOptions(options: Omit<MediawardOptions, 'store' | 'ledger'>): void {
  const { issuers, pseudonymKey, locations = locationsUnder('/recordings'), allowedOrigins = [] } = options
  const mistakes = [
    ...checkIssuers(issuers),
    ...checkPseudonymKey(pseudonymKey),
    ...checkLocations(locations),
    ...checkOrigins(allowedOrigins),
    ...checkHeaders(options.allowedHeaders ?? [], allowedOrigins),
    ...(options.tickets === undefined ? [] : checkTicketOptions(options.tickets)),
    ...checkPublicUrl(options),
  ]
  if (![undefined, 'sync', 'async'].includes(options.views)) {
    mistakes.push('VIEWS (views) must be sync or async')
  }
  if (![undefined, 403, 404].includes(options.concealedStatus)) {
    mistakes.push('CONCEALED_STATUS (concealedStatus) must be 404 or 403')
  }
  for (const [name, time] of Object.entries(options.bodyTimeouts ?? {})) {
    // Beyond it a timer would end at once.
    if (time >= 1 && time < 2 ** 31) continue
    mistakes.push(`bodyTimeouts.${name} must be a time in milliseconds, from 1 to 2147483647`)
  }
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
}

/**
 * Checks what comes from the runtime and not from a person.
 *
 * @throws ConfigurationError where a part is missing
 */
export function checkStores({ store, ledger }: Partial<Pick<MediawardOptions, 'store' | 'ledger'>>): void {
  if (store !== undefined && ledger !== undefined) return
  throw new ConfigurationError(['store and ledger must be there: on Workers both come from cloudflare(env)'])
}

function checkPseudonymKey(key: unknown): string[] {
  if (typeof key === 'string' && key.length >= MIN_KEY_LENGTH) return []
  return [
    `PSEUDONYM_KEY (pseudonymKey) must be a secret of at least ${MIN_KEY_LENGTH} characters: make one with "openssl rand -base64 32"`,
  ]
}

function checkLocations(locations: readonly unknown[]): string[] {
  if (locations.length === 0) return ['LOCATIONS (locations) must hold at least one location']
  const urls = locations.map(location => (location as Partial<Location> | null)?.url)
  const valid: { readonly index: number; readonly location: Location }[] = []
  return locations.flatMap((location, index) => {
    const where = `LOCATIONS[${index}]`
    if (typeof location !== 'object' || location === null)
      return [`${where} must be an object with a url and a key`]
    const { url, key, ...unknown } = location as Readonly<Record<string, unknown>>
    if (!isText(url) || !isText(key)) return [`${where} must have a url and a key, both texts`]
    const [member] = Object.keys(unknown)
    if (member !== undefined) return [`${where}.${member} is unknown: it may have url and key`]
    if (urls.indexOf(url) < index) return [`${where} has the url of an earlier one: only that would be used`]
    try {
      compileLocation({ url, key })
    } catch (error) {
      return [`${where}: ${(error as Error).message}`]
    }
    valid.push({ index, location: { url, key } })
    return valid.slice(0, -1).flatMap(earlier => {
      const both = `${where} and LOCATIONS[${earlier.index}]`
      const path = ambiguousPath(earlier.location.url, url)
      if (path !== undefined)
        return [`${both} take ${path} for different recordings: change the url of one of them`]
      return ambiguousPath(keyPattern(earlier.location), keyPattern({ url, key })) === undefined
        ? []
        : [
            `${both} keep two recordings at one key, and one would overwrite the other: change the key of one of them`,
          ]
    })
  })
}

/** A key as a pattern of paths: there the `+` may be left out. */
const keyPattern = ({ key }: Location): string => key.replace(/:part$/, ':part+')

// An app's web view has a scheme of its own, such as capacitor://localhost.
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(:\d{1,5})?$/

/** What is wrong isn't repeated: there may be a password in it. */
function checkOrigins(origins: readonly string[]): string[] {
  return origins.flatMap((origin, index) => {
    const web = /^https?:/.test(origin)
    if (ORIGIN.test(origin) && (!web || new URL(origin).origin === origin)) return []
    return [
      `ALLOWED_ORIGINS (allowedOrigins): number ${index + 1} is no origin: write scheme and host in small letters, as in "https://app.clinic.example", with no path, no default port and no "*"`,
    ]
  })
}

// RFC 9110 5.1 allows more characters. No header in use has them, and "*" would not be a name.
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/

function checkHeaders(names: readonly string[], origins: readonly string[]): string[] {
  if (names.length > 0 && origins.length === 0) {
    return ['ALLOWED_HEADERS (allowedHeaders) has no effect without ALLOWED_ORIGINS: set it too']
  }
  return names.flatMap((name, index) =>
    FIELD_NAME.test(name)
      ? []
      : [
          `ALLOWED_HEADERS (allowedHeaders): number ${index + 1} is not the name of a header: write letters, digits, "-" and "_", as in "X-App-Version"; "*" is not allowed`,
        ],
  )
}

// RFC 6761 6.3: names below localhost are loopback names too.
const LOOPBACK = /^(?:(?:[a-z0-9-]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\])$/

/** What is wrong isn't repeated: there may be a password in it. */
function checkPublicUrl({ publicUrl, tickets }: Pick<MediawardOptions, 'publicUrl' | 'tickets'>): string[] {
  if (publicUrl === undefined) {
    // Not from a request: the sender of `Host` would say where a patient's ticket goes.
    return tickets === undefined
      ? []
      : [
          'PUBLIC_URL (publicUrl) is missing, which TICKET_KEY (tickets) needs: name the origin that players reach the gate at, as in "https://media.clinic.example"',
        ]
  }
  if (!URL.canParse(publicUrl) || !/^https?:/.test(publicUrl) || new URL(publicUrl).origin !== publicUrl) {
    return [
      'PUBLIC_URL (publicUrl) must be an origin, with no path and no default port, as in "https://media.clinic.example"',
    ]
  }
  const { protocol, hostname } = new URL(publicUrl)
  if (protocol === 'https:' || LOOPBACK.test(hostname)) return []
  return [
    'PUBLIC_URL (publicUrl) must begin with "https://": only for a gate on this machine, as "http://localhost:8787" names it, is "http://" enough',
  ]
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
