import type { Issuer } from '../authenticate/issuer.ts'
import { isLoopback } from '../base/url.ts'
import { aboutEntry, type Checks, failed, type Outcome, ok, warning } from './finding.ts'
import { isProbablySameSite, isReserved, parseUrl, type Settings } from './settings.ts'

/** The longest life of a ticket that needs no mention, in seconds. */
const LONG_LIFE = 8 * 3600

/** What the settings mean together, apart from issuers. */
export const SETTINGS_CHECKS: Checks<Settings> = {
  /** `PUBLIC_URL` is set, and is not that of an example. */
  public_url({ publicUrl }) {
    const url = parseUrl(publicUrl)
    if (url === undefined) {
      return warning(
        'PUBLIC_URL is not set: there are no tickets, and no absolute URL in a playlist is accepted',
        'set it to the origin that players reach the gate at, such as "https://media.clinic.example"',
      )
    }
    if (isLoopback(url))
      return ok(`PUBLIC_URL is ${url.origin}: only players on this machine can use tickets`)
    return isReserved(url)
      ? failed(`PUBLIC_URL is ${url.origin}, a name of examples`, 'set it to the origin of your own gate')
      : ok(`PUBLIC_URL is ${url.origin}`)
  },

  /** Tickets are issued, and don't live long. */
  tickets({ tickets }) {
    if (tickets === undefined) {
      return warning(
        'TICKET_KEY is not set, so only players that send a token themselves can play',
        'create one with "openssl rand -base64 32", unless all your players send a token',
      )
    }
    const { lifetime, keys } = tickets
    if (lifetime > LONG_LIFE) {
      return warning(
        `tickets are valid for ${lifetime} s, and so is the URL of one that was copied`,
        'set TICKET_TTL to about twice the length of a recording: players get a new ticket by themselves',
      )
    }
    const older =
      keys.length === 1
        ? ''
        : `; ${keys.length - 1} older keys still count: remove those that are no longer needed`
    return ok(`tickets are valid for ${lifetime} s${older}`)
  },

  /** `PSEUDONYM_KEY`, `TICKET_KEY` and `METRICS_TOKEN` are random, and differ. */
  secrets({ pseudonymKey, tickets, metricsToken }) {
    const [ticketKeys, pseudonymKeys] = [tickets?.keys ?? [], [pseudonymKey].flat()]
    const secrets = [
      ...pseudonymKeys.map(key => ['PSEUDONYM_KEY', key]),
      ...ticketKeys.map(key => ['TICKET_KEY', key]),
      ...(metricsToken === undefined ? [] : [['METRICS_TOKEN', metricsToken]]),
    ] as const
    const outcomes = secrets.flatMap(([name, secret]) =>
      isGuessable(`${secret}`)
        ? failed(`${name} does not look random`, 'create another with "openssl rand -base64 32"')
        : [],
    )
    if (pseudonymKeys.some(key => ticketKeys.includes(key))) {
      outcomes.push(
        failed(
          'PSEUDONYM_KEY and TICKET_KEY are the same, so an analyst with the first can forge tickets for every recording',
          'create another TICKET_KEY with "openssl rand -base64 32"',
        ),
      )
    }
    const [other] =
      secrets.find(([name, secret]) => name !== 'METRICS_TOKEN' && secret === metricsToken) ?? []
    if (other !== undefined) {
      outcomes.push(
        failed(
          `METRICS_TOKEN and ${other} are the same, so that each scrape sends ${other}`,
          'create another METRICS_TOKEN with "openssl rand -hex 32"',
        ),
      )
    }
    if (outcomes.length > 0) return outcomes
    const older =
      pseudonymKeys.length === 1 ? '' : `; older keys that people are found by: ${pseudonymKeys.length - 1}`
    return ok(`the secrets look random, and differ${older}`)
  },

  /** A scraper has a token of its own, if there is one. */
  metrics: ({ metricsToken }) =>
    ok(
      metricsToken === undefined
        ? 'METRICS_TOKEN is not set: only an analyst of all tenants reads the metrics'
        : 'a scraper reads the metrics with METRICS_TOKEN',
    ),

  /** The cookie of a ticket reaches the gate from each allowed origin, and from no more pages than needed. */
  ticket_cookie({ tickets, publicUrl, allowedOrigins }) {
    const gate = parseUrl(publicUrl)
    if (tickets === undefined || gate === undefined) return []
    const { cookie } = tickets
    const isForeign = (origin: URL | undefined) => origin !== undefined && !isProbablySameSite(origin, gate)
    const foreign = allowedOrigins.map(parseUrl).filter(isForeign)
    const isSentToAll = cookie === 'none' || cookie === 'partitioned'
    if (isSentToAll && foreign.length === 0) {
      return warning(
        `TICKET_COOKIE is "${cookie}", and no allowed origin seems to need that: browsers send the cookie from pages of every site`,
        'set it to "strict", unless pages of another site play with the cookie',
      )
    }
    if (!isSentToAll && foreign.length > 0) {
      return warning(
        `TICKET_COOKIE is "${cookie}", so browsers send no cookie from ${namesOf(foreign)}, probably another site than ${gate.origin}`,
        'let pages there play by the "url" of a ticket, or set TICKET_COOKIE to "partitioned" or "none"',
      )
    }
    return ok(`TICKET_COOKIE is "${cookie}", which fits the allowed origins`)
  },

  /** The allowed origins are those of apps that only their owner can change. */
  origins({ allowedOrigins, publicUrl }) {
    const origins = allowedOrigins.map(parseUrl).filter(url => url !== undefined)
    if (origins.length === 0) {
      return ok(
        'ALLOWED_ORIGINS is not set: pages of other origins can read nothing, but in "mediaward dev" those of this machine',
      )
    }
    const local = origins.filter(isLoopback)
    const plain = origins.filter(url => url.protocol === 'http:' && !isLoopback(url))
    const outcomes: Outcome[] = []
    if (plain.length > 0) {
      outcomes.push(
        warning(
          `${namesOf(plain)} in ALLOWED_ORIGINS has no TLS: a network on the way can put a script into its pages that reads recordings`,
          'serve that app over https, and change its origin here',
        ),
      )
    }
    const gate = parseUrl(publicUrl)
    if (local.length > 0 && gate !== undefined && !isLoopback(gate)) {
      outcomes.push(
        warning(
          `${namesOf(local)} in ALLOWED_ORIGINS is whatever listens there on a viewer's machine`,
          'remove it, unless it is that of an app in a web view',
        ),
      )
    }
    return outcomes.length > 0 ? outcomes : ok(`pages of ${namesOf(origins)} can read answers`)
  },

  /** A login cookie that an entry names can be used by the pages that need it. */
  login_cookie({ issuers, allowedOrigins }) {
    const withCookie = issuers.filter(({ cookie }) => cookie !== undefined)
    return withCookie.map(issuer => {
      const entry = issuer.name ?? issuer.issuer
      if (allowedOrigins.length > 0)
        return aboutEntry(entry, ok(`the ${cookieOf(issuer)} counts for playing`))
      return aboutEntry(
        entry,
        warning(
          `the ${cookieOf(issuer)} counts, and ALLOWED_ORIGINS is not set: a script of another origin can't play with it`,
          'add the origin of the app to ALLOWED_ORIGINS, unless it is the origin of the gate itself',
        ),
      )
    })
  },

  /** No byte of a view leaves before the view is recorded. */
  views({ views }) {
    return views === 'sync'
      ? ok('the first byte of a view waits for its record')
      : warning(
          'VIEWS is "async": a crash can lose the record that a recording was watched',
          'remove it, unless a ledger that is down must not stop a video',
        )
  },
}

const cookieOf = ({ cookie }: Issuer): string => `cookie "${cookie}" of a login proxy`

/** Most origins that a finding names. */
const MAX_NAMED = 3

function namesOf(urls: readonly (URL | undefined)[]): string {
  const names = urls.slice(0, MAX_NAMED).map(url => `${url?.protocol}//${url?.host}`)
  const more = urls.length - names.length
  return [...names, ...(more > 0 ? [`${more} more`] : [])].join(', ')
}

/** Fewest different characters of a random secret of 32 characters. Even of hexadecimal digits, fewer are next to impossible. */
const MIN_DIFFERENT = 9
const WORDS = /example|secret|change|passwor|placeholder|replace|0123456789|abcdefgh| \w+ /i

/** Returns whether a person wrote a secret, rather than a generator. */
function isGuessable(secret: string): boolean {
  return new Set(secret).size < MIN_DIFFERENT || WORDS.test(secret)
}
