import { nameOf } from '../authenticate/entry.ts'
import { MAKE_SECRET } from '../base/secret.ts'
import { isLoopback } from '../base/url.ts'
import { quotedList } from '../explain/shown.ts'
import { aboutEntry, allOr, type Checks, failed, ok, warning } from './finding.ts'
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
        'PUBLIC_URL is not set: there are no tickets, and no absolute URLs in playlists',
        'set it to the origin that players reach the gate at',
      )
    }
    const found = `PUBLIC_URL is ${url.origin}`
    if (isLoopback(url)) return ok(`${found}: only players on this machine can use tickets`)
    return isReserved(url)
      ? failed(`${found}, a name of examples`, 'set it to the origin of your own gate')
      : ok(found)
  },

  /** Tickets are issued, and don't live long. */
  tickets({ tickets }) {
    if (tickets === undefined) {
      return warning(
        'TICKET_KEY is not set, so only players that send a token can play',
        `${MAKE_SECRET}, unless all your players do`,
      )
    }
    const { lifetime, keys } = tickets
    const found = `tickets are valid for ${lifetime} s`
    if (lifetime > LONG_LIFE) {
      return warning(
        `${found}, and so is the URL of one that was copied`,
        'set TICKET_TTL to about twice the length of a recording: players renew tickets',
      )
    }
    return ok(
      keys.length === 1 ? found : `${found}; ${keys.length - 1} older keys count: remove those without need`,
    )
  },

  /** `PSEUDONYM_KEY`, `TICKET_KEY` and `METRICS_TOKEN` are random, and differ. */
  secrets({ pseudonymKey, tickets, metricsToken }) {
    const pseudonymKeys = [pseudonymKey].flat()
    const secrets = Object.entries({
      PSEUDONYM_KEY: pseudonymKeys,
      TICKET_KEY: tickets?.keys ?? [],
      METRICS_TOKEN: metricsToken === undefined ? [] : [metricsToken],
    })
    const older =
      pseudonymKeys.length === 1 ? '' : `; older keys that people are found by: ${pseudonymKeys.length - 1}`
    return allOr(
      `the secrets look random, and differ${older}`,
      secrets.flatMap(([name, ofName], index) => [
        ofName.some(isGuessable) && failed(`${name} does not look random`, MAKE_SECRET),
        ...secrets
          .slice(0, index)
          .map(
            ([other, others]) =>
              ofName.some(secret => others.includes(secret)) &&
              failed(
                `${other} and ${name} are the same: who has one, as an analyst or a scraper may, has the other`,
                MAKE_SECRET,
              ),
          ),
      ]),
    )
  },

  /** A scraper has a token of its own, if there is one. */
  metrics: ({ metricsToken }) =>
    ok(
      metricsToken === undefined
        ? 'METRICS_TOKEN is not set: only analysts of all tenants read the metrics'
        : 'a scraper reads the metrics with METRICS_TOKEN',
    ),

  /** The cookie of a ticket reaches the gate from each allowed origin, and from no more pages than needed. */
  ticket_cookie({ tickets, publicUrl, allowedOrigins }) {
    const gate = parseUrl(publicUrl)
    if (tickets === undefined || gate === undefined) return []
    const foreign = allowedOrigins
      .map(parseUrl)
      .filter(origin => origin !== undefined && !isProbablySameSite(origin, gate))
    const found = `TICKET_COOKIE is "${tickets.cookie}"`
    const isSentToAll = ['none', 'partitioned'].includes(tickets.cookie)
    if (isSentToAll === foreign.length > 0) return ok(`${found}, which fits the allowed origins`)
    return isSentToAll
      ? warning(
          `${found}: pages of every site send the cookie, and no allowed origin seems to need that`,
          'set it to "strict", unless pages of another site play with it',
        )
      : warning(
          `${found}: browsers send no cookie from ${namesOf(foreign)}, probably another site`,
          'have them play by the "url" of a ticket, or set it to "partitioned" or "none"',
        )
  },

  /** The allowed origins are those of apps that only their owner can change. */
  origins({ allowedOrigins, publicUrl }) {
    const origins = allowedOrigins.map(parseUrl).filter(url => url !== undefined)
    if (origins.length === 0) {
      return ok(
        'ALLOWED_ORIGINS is not set: pages of other origins can read nothing, except in "mediaward dev"',
      )
    }
    const local = origins.filter(isLoopback)
    const plain = origins.filter(url => url.protocol === 'http:' && !isLoopback(url))
    const gate = parseUrl(publicUrl)
    return allOr(`pages of ${namesOf(origins)} can read answers`, [
      plain.length > 0 &&
        warning(
          `${namesOf(plain)} in ALLOWED_ORIGINS has no TLS: a network on the way can put a script there`,
          'serve that app over https',
        ),
      local.length > 0 &&
        gate !== undefined &&
        !isLoopback(gate) &&
        warning(
          `${namesOf(local)} in ALLOWED_ORIGINS is anything that a viewer's machine runs there`,
          'remove it, unless an app in a web view has it',
        ),
    ])
  },

  /** A login cookie that an entry names can be used by the pages that need it. */
  login_cookie: ({ issuers, allowedOrigins }) =>
    issuers.flatMap(issuer => {
      const { cookie } = issuer
      if (cookie === undefined) return []
      const found = `the cookie "${cookie}" of a login proxy counts`
      return aboutEntry(
        nameOf(issuer),
        allowedOrigins.length > 0
          ? ok(`${found} for playing`)
          : warning(
              `${found}, but as ALLOWED_ORIGINS is not set, not from pages of other origins`,
              "add the app's origin there, unless it is the gate's own",
            ),
      )
    }),

  /** No byte of a view leaves before the view is recorded. */
  views: ({ views }) =>
    views === 'sync'
      ? ok('the first byte of a view waits for its record')
      : warning(
          'VIEWS is "async": a crash can lose the record of a view',
          'remove it, unless videos must go on while the ledger is down',
        ),

  /** How many persons it takes to undo a lockdown of a tenant or of everything. */
  lockdowns: ({ lockdownUndo }) =>
    ok(
      lockdownUndo === 'two'
        ? 'two persons undo a lockdown of a tenant or of everything'
        : 'one person undoes any lockdown; with LOCKDOWN_UNDO=two it takes two for a tenant or everything',
    ),

  /** No incident can be rehearsed at a gate that patients use. */
  drills({ drills, publicUrl }) {
    if (drills === 'refuse') return ok('drills are refused, as they are to be if patients use this gate')
    const url = parseUrl(publicUrl)
    if (url !== undefined && isLoopback(url)) return ok('drills are allowed, on this machine alone')
    return warning(
      'DRILLS is "allow": a caller with the role security can leave recordings and findings of drills here',
      'remove it, unless this is a staging deployment',
    )
  },
}

/** Names the first few of some origins. The `origin` of an app's web view would be "null". */
const namesOf = (urls: readonly (URL | undefined)[]): string =>
  quotedList(urls.map(url => `${url?.protocol}//${url?.host}`))

/** Fewest different characters of a random secret of 32 characters. Even of hexadecimal digits, fewer are next to impossible. */
const MIN_DIFFERENT = 9
const WORDS = /example|secret|change|passwor|placeholder|replace|0123456789|abcdefgh| \w+ /i

/** Returns whether a person wrote a secret, rather than a generator. */
function isGuessable(secret: string): boolean {
  return new Set(secret).size < MIN_DIFFERENT || WORDS.test(secret)
}
