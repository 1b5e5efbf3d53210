import { OPTIONS } from '../../config/table.ts'
import { type Variables, variablesOf } from '../../config/variables.ts'
import { type Checks, failed, notChecked, type Outcome, ok, warning } from '../../doctor/finding.ts'
import { isProbablySameSite, parseUrl } from '../../doctor/settings.ts'
import { member, parseJson, stringMember } from '../json.ts'

/** What is looked at of a wrangler configuration, as wrangler itself reads it: with its defaults, for one environment. */
export interface WranglerFacts {
  readonly workers_dev: boolean | undefined
  readonly preview_urls: boolean | undefined
  readonly route?: unknown
  readonly routes?: readonly unknown[] | undefined
  readonly r2_buckets: readonly {
    readonly binding: string
    readonly bucket_name?: unknown
    readonly jurisdiction?: string
  }[]
  readonly durable_objects: {
    readonly bindings: readonly { readonly name: string; readonly class_name: string }[]
  }
  readonly migrations: readonly { readonly new_sqlite_classes?: readonly string[] }[]
  readonly triggers: { readonly crons?: readonly string[] | undefined }
  readonly observability?:
    | {
        readonly enabled?: boolean
        readonly logs?: { readonly enabled?: boolean; readonly invocation_logs?: boolean }
      }
    | undefined
  readonly cache?: { readonly enabled?: boolean } | undefined
  readonly assets?: unknown
  readonly compatibility_date: string | undefined
  readonly compatibility_flags: readonly string[]
  readonly secrets?: unknown
  readonly vars: Readonly<Record<string, unknown>>
}

/** The compatibility date that the gate is tested with. */
export const TESTED_DATE = '2026-10-20'
/** The classes of Durable Objects that the worker exports, by what they are bound as. */
const CLASSES = { LEDGER: 'LedgerObject', LOG: 'LogObject', CONTROL: 'ControlObject' }
/** Secrets of the gate itself. Variables are shown in the dashboard, and stay in the repository. */
const SECRETS = ['PSEUDONYM_KEY', 'TICKET_KEY', 'METRICS_TOKEN']

/** What a wrangler configuration deploys. */
export const WRANGLER_CHECKS: Checks<WranglerFacts> = {
  /** The bindings `RECORDINGS`, `AUDIT`, `LEDGER`, `LOG` and `CONTROL` are there and lead to what the worker has, and the two buckets differ. */
  bindings({ r2_buckets: buckets, durable_objects, migrations }) {
    const outcomes: Outcome[] = []
    for (const name of ['RECORDINGS', 'AUDIT']) {
      if (buckets.some(({ binding }) => binding === name)) continue
      outcomes.push(
        failed(
          `no R2 bucket is bound as ${name}`,
          'add it to [[r2_buckets]] as in the wrangler.toml of this package',
        ),
      )
    }
    const [recordings, audit] = ['RECORDINGS', 'AUDIT'].map(name =>
      buckets.find(({ binding }) => binding === name),
    )
    if (recordings !== undefined && recordings.bucket_name === audit?.bucket_name) {
      outcomes.push(
        failed('RECORDINGS and AUDIT are one bucket', 'give records that wait a bucket of their own'),
      )
    }
    for (const [name, className] of Object.entries(CLASSES)) {
      const bound = durable_objects.bindings.find(binding => binding.name === name)
      if (bound === undefined) {
        outcomes.push(
          failed(
            `no Durable Object is bound as ${name}`,
            `add it to [[durable_objects.bindings]], with class_name = "${className}"`,
          ),
        )
      } else if (bound.class_name !== className) {
        outcomes.push(
          failed(
            `${name} is bound to the class ${bound.class_name}, and the worker has ${className}`,
            `set class_name = "${className}", and the same in new_sqlite_classes of [[migrations]]`,
          ),
        )
      } else if (!migrations.some(({ new_sqlite_classes = [] }) => new_sqlite_classes.includes(className))) {
        outcomes.push(
          failed(
            `no migration creates ${className} with SQLite`,
            `add [[migrations]] with a tag of its own and new_sqlite_classes = ["${className}"]`,
          ),
        )
      }
    }
    return outcomes.length > 0 ? outcomes : ok('RECORDINGS, AUDIT, LEDGER, LOG and CONTROL are bound')
  },

  /** The worker has one address: a route of its own, and neither workers.dev nor preview URLs. */
  addresses({ workers_dev, preview_urls, route, routes = [] }) {
    const outcomes: Outcome[] = []
    if (workers_dev !== false) {
      outcomes.push(failed('the worker also answers below workers.dev', 'set workers_dev = false'))
    }
    if (preview_urls !== false) {
      outcomes.push(failed('versions of the worker answer at preview URLs', 'set preview_urls = false'))
    }
    if (route === undefined && routes.length === 0) {
      outcomes.push(
        warning(
          'the worker has no route, so no request reaches it',
          'add routes = [{ pattern = "media.clinic.example", custom_domain = true }]',
        ),
      )
    }
    return outcomes.length > 0 ? outcomes : ok('the worker answers at its routes alone')
  },

  /** No log of the platform holds URLs, which tickets and ids of recordings are in. */
  invocation_logs({ observability }) {
    const logs = observability?.logs
    const areOn = observability?.enabled === true || logs?.enabled === true
    return areOn && logs?.invocation_logs !== false
      ? failed(
          'invocation logs are on: they keep the URLs of requests, with the tickets in them',
          'set invocation_logs = false in [observability.logs]',
        )
      : ok('invocation logs are off')
  },

  /** Nothing answers before the worker does. */
  answers({ cache, assets }) {
    const outcomes: Outcome[] = []
    if (cache?.enabled === true) {
      outcomes.push(failed('[cache] answers without asking the gate', 'remove it'))
    }
    if (assets !== undefined) {
      outcomes.push(
        warning(
          'static assets are served before the worker is asked',
          'make sure that no recording is among them, or remove [assets]',
        ),
      )
    }
    return outcomes.length > 0 ? outcomes : ok('the worker answers every request itself')
  },

  /** A cron trigger brings records back that the ledger could not take. */
  cron: ({ triggers: { crons = [] } }) =>
    crons.length > 0
      ? ok(`a cron trigger runs (${crons.join(', ')})`)
      : failed(
          'no cron trigger brings back records that the ledger could not take',
          'set crons = ["* * * * *"] in [triggers]',
        ),

  /** The compatibility date is the one that the gate is tested with, or a later one. */
  compatibility_date: ({ compatibility_date: date = '' }) =>
    date >= TESTED_DATE
      ? ok(`the compatibility date is ${date}`)
      : warning(
          `the compatibility date is ${date === '' ? 'missing' : date}, and the gate is tested with ${TESTED_DATE}`,
          `set compatibility_date = "${TESTED_DATE}"`,
        ),

  /** The keys of an issuer in the zone of a route can be fetched. */
  own_zone({ route, routes = [], compatibility_flags: flags, vars }) {
    if (flags.includes(STRICTLY_PUBLIC)) return []
    const sites = [route, ...routes].flatMap(hostOf)
    const keys = keyUrlsIn(vars.ISSUERS)
    const ours = keys.find(url => sites.some(site => isProbablySameSite(url, site)))
    return ours === undefined
      ? []
      : warning(
          `${ours.host} is probably in the zone of a route, so its keys would be fetched from the origin server`,
          `set compatibility_flags = ["${STRICTLY_PUBLIC}"] if a worker answers there`,
        )
  },

  /** No secret is a variable, the gate's own or one that `SINKS`, `ALERTS` or `ISSUERS` names, and wrangler dev reads all of `.dev.vars`. */
  secrets({ vars, secrets }) {
    if (secrets !== undefined) {
      return warning(
        'with [secrets], wrangler dev leaves out the lines of .dev.vars that it does not list',
        'remove [secrets]: the worker itself says which secret is missing',
      )
    }
    const written = [...SECRETS, ...namedSecrets(vars)].filter(name => vars[name] !== undefined)
    return written.length > 0
      ? failed(
          `${written.join(' and ')} is in [vars], and so in the repository`,
          'create another with "wrangler secret put", and remove it here',
        )
      : notChecked(
          'secrets are with Cloudflare, not in this file',
          'see that "wrangler secret list" has PSEUDONYM_KEY, TICKET_KEY for tickets, and METRICS_TOKEN for a scraper',
        )
  },

  /** The buckets and the log are in one jurisdiction. */
  jurisdiction({ r2_buckets: buckets, vars }) {
    const ours = buckets.filter(({ binding }) => binding === 'RECORDINGS' || binding === 'AUDIT')
    const ofLedger = typeof vars.LEDGER_JURISDICTION === 'string' ? vars.LEDGER_JURISDICTION : 'none'
    const places = new Set([ofLedger, ...ours.map(({ jurisdiction = 'none' }) => jurisdiction)])
    return places.size > 1
      ? warning(
          `the buckets and the log are in different jurisdictions (${[...places].join(', ')})`,
          'name one at both bindings and in LEDGER_JURISDICTION, before the first deployment',
        )
      : ok(ofLedger === 'none' ? 'no jurisdiction is named' : `all data is in the jurisdiction "${ofLedger}"`)
  },
}

const STRICTLY_PUBLIC = 'global_fetch_strictly_public'

/** Returns the host of a route: `media.clinic.example/*`, or an object with such a pattern. */
function hostOf(route: unknown): readonly URL[] {
  const pattern = typeof route === 'string' ? route : (route as { pattern?: unknown } | undefined)?.pattern
  const url = typeof pattern === 'string' ? parseUrl(`https://${pattern.replace(/^\*\.?/, '')}`) : undefined
  return url === undefined ? [] : [url]
}

/** Lists the variables that JSON in other variables, such as `SINKS`, names for its secrets. */
export function namedSecrets(vars: Variables): ReadonlySet<string> {
  const own = variablesOf(OPTIONS)
  return new Set(variablesOf(OPTIONS, vars).filter(name => !own.includes(name)))
}

/** Returns where keys are fetched. Whether the variable is right is checked elsewhere. */
function keyUrlsIn(issuers: unknown): readonly URL[] {
  const list = typeof issuers === 'string' ? parseJson(issuers) : undefined
  return (Array.isArray(list) ? list : []).flatMap(entry => {
    const isFound = member(entry, 'discovery') === true
    const url = parseUrl(stringMember(entry, isFound ? 'issuer' : 'jwks_uri'))
    return url === undefined ? [] : [url]
  })
}
