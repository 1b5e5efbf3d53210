import type { KeepOptions } from '../archive/keep-options.ts'
import { MAKE_SECRET } from '../base/secret.ts'
import { isSecure, plainUrl } from '../base/url.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { MIN_KEY_LENGTH } from '../ledger/pseudonym.ts'
import { locationsUnder } from '../locate/location.ts'
import type { OwnerSource } from '../recordings/owner-source.ts'
import type { TicketOptions } from '../ticket/ticket-options.ts'
import { RESPONDED } from '../watch/findings/clear.ts'
import { TRIABLE_IDS } from '../watch/in-force.ts'
import { checkIssuers } from './check-issuers.ts'
import { checkLocations } from './check-locations.ts'
import { checkKeyOrKeys, checkRotatedKeys } from './check-rotated-keys.ts'
import { each, isString, matching, number, oneOf, rule } from './checks.ts'
import type { Group, TableOf } from './option.ts'
import type { DeploymentOptions, MediawardOptions } from './options.ts'
import { checkAlerts } from './receivers/check-alerts.ts'
import { checkSinks } from './receivers/check-sinks.ts'

/** The options of a gate and of its deployments by name; those of a group are named `group.member`. */
export type NamedOptions = Omit<MediawardOptions, 'tickets' | 'bodyTimeouts'> &
  Group<'tickets', TicketOptions> &
  Group<'bodyTimeouts', BodyTimeouts> &
  Omit<DeploymentOptions, 'keep'> &
  Group<'keep', KeepOptions>

/** The names of the options that have a default. */
export type Defaulted =
  | 'locations'
  | 'allowedOrigins'
  | 'allowedHeaders'
  | 'concealedStatus'
  | 'views'
  | 'lockdownUndo'
  | 'drills'
  | 'network'
  | 'now'
  | 'health'
  | 'tickets.lifetime'
  | 'tickets.cookie'
  | 'tickets.binding'
  | 'bodyTimeouts.json'
  | 'bodyTimeouts.upload'
  | 'ledgerShards'
  | 'keep.days'
  | 'keep.records'
  | 'keep.years'

/** Not below /access, /console, /healthz, /play, /readyz or /session: the deployed gate has routes of its own there. */
const PREFIX = /^(?!\/(?:access|console|healthz|play|readyz|session)(?:\/|$))(?:\/[A-Za-z0-9_-]+)+$/
// RFC 9110 5.1 allows more characters. No header in use has them, and "*" would not be a name.
const FIELD_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,99}$/
// An app's web view has a scheme of its own, such as capacitor://localhost.
const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(:\d{1,5})?$/
// RFC 6750 2.1, b64token.
const METRICS_TOKEN = /^(?=.{32})[A-Za-z0-9._~+/-]+=*$/
const A_DAY = 86_400
/** The log asks every inbox in each round. */
const MAX_INBOXES = 64
/** With a longer time a timer would end at once. */
const MAX_TIMER = 2 ** 31 - 1

const whole = (min: number, max: number) => number('a whole number', min, max, Number.isInteger)
const timeout = number('a time in milliseconds', 1, MAX_TIMER)
const isOwnerSource = (value: unknown) =>
  typeof value === 'function' || typeof (value as OwnerSource | null)?.ownersOf === 'function'
const callback = rule('must be a function', value => typeof value === 'function')
const opened = rule('must be given: on Workers cloudflare(env) does', value => Object(value) === value)

// Comments stay out of the table itself, as they would be part of the worker. Two of its reasons: an origin is never
// repeated in a mistake, as it may hold a password; and tickets need `publicUrl`, as the sender of `Host` would decide
// otherwise where a patient's ticket goes.

/** The options of how long records are kept. */
export const KEEP: readonly string[] = ['keep.days', 'keep.records', 'keep.years']

/** Every option of a gate, on every runtime, declared once. What one machine adds is in `runtime/local`. */
export const OPTIONS: TableOf<NamedOptions, Defaulted> = {
  issuers: {
    variable: 'ISSUERS',
    required: true,
    secrets: ['introspection.client_secret'],
    parse: jsonList,
    check: checkIssuers,
  },
  pseudonymKey: {
    variable: 'PSEUDONYM_KEY',
    required: true,
    parse: commaList,
    check: checkKeyOrKeys,
  },
  MEDIA_PREFIX: {
    variable: 'MEDIA_PREFIX',
    excludes: 'locations',
    check: matching(
      'must be a path as in "/recordings", of letters, digits, "_" and "-", with no "/" at its end, and not below /access, /console, /healthz, /play, /readyz or /session',
      PREFIX,
    ),
  },
  locations: {
    variable: 'LOCATIONS',
    default: locationsUnder('/recordings'),
    parse: jsonList,
    check: checkLocations,
  },
  allowedOrigins: {
    variable: 'ALLOWED_ORIGINS',
    default: [],
    parse: commaList,
    check: each(
      rule(
        'must be an origin in small letters, with no path, no default port and no "*", as in "https://app.clinic.example"',
        value =>
          isString(value) &&
          ORIGIN.test(value) &&
          (!/^https?:/.test(value) || plainUrl(value)?.origin === value),
      ),
    ),
  },
  allowedHeaders: {
    variable: 'ALLOWED_HEADERS',
    default: [],
    needs: 'allowedOrigins',
    parse: commaList,
    check: each(matching('must be the name of a header, as in "X-App-Version", and not "*"', FIELD_NAME)),
  },
  concealedStatus: { variable: 'CONCEALED_STATUS', default: 404, parse: Number, check: oneOf(404, 403) },
  views: { variable: 'VIEWS', default: 'sync', check: oneOf('sync', 'async') },
  'tickets.keys': {
    variable: 'TICKET_KEY',
    required: true,
    needs: 'publicUrl',
    parse: commaList,
    check: checkRotatedKeys,
  },
  'tickets.lifetime': {
    variable: 'TICKET_TTL',
    unit: 's',
    default: 3600,
    parse: Number,
    check: number('a whole number of seconds', 1, A_DAY, Number.isInteger),
  },
  'tickets.cookie': {
    variable: 'TICKET_COOKIE',
    default: 'strict',
    check: oneOf('strict', 'lax', 'none', 'partitioned'),
  },
  'tickets.binding': {
    variable: 'TICKET_BINDING',
    default: [],
    parse: commaList,
    check: each(oneOf('network', 'user-agent')),
  },
  publicUrl: {
    variable: 'PUBLIC_URL',
    check: rule(
      'must be the origin that players reach the gate at, with no path and no default port, as in "https://media.clinic.example"; only a loopback name may have "http://"',
      value => plainUrl(value)?.origin === value && isSecure(plainUrl(value)),
    ),
  },
  metricsToken: {
    variable: 'METRICS_TOKEN',
    check: matching(
      `must be a secret of at least ${MIN_KEY_LENGTH} letters, digits and "-._~+/": ${MAKE_SECRET}`,
      METRICS_TOKEN,
    ),
  },
  drills: { variable: 'DRILLS', default: 'refuse', check: oneOf('refuse', 'allow') },
  lockdownUndo: { variable: 'LOCKDOWN_UNDO', default: 'one', check: oneOf('one', 'two') },
  ledgerShards: {
    variable: 'LEDGER_SHARDS',
    default: 4,
    runtimes: ['workers'],
    parse: Number,
    check: number('a whole number', 1, MAX_INBOXES, Number.isInteger),
  },
  ledgerJurisdiction: {
    variable: 'LEDGER_JURISDICTION',
    runtimes: ['workers'],
    check: oneOf('eu', 'us', 'fedramp', 'fedramp-high'),
  },
  'keep.days': { variable: 'LOG_DAYS', default: 90, parse: Number, check: whole(1, 36_500) },
  'keep.records': {
    variable: 'LOG_RECORDS',
    default: 6_000_000,
    parse: Number,
    check: whole(1_000, 1_000_000_000),
  },
  'keep.years': { variable: 'ARCHIVE_YEARS', default: 6, parse: Number, check: whole(1, 100) },
  sinks: { variable: 'SINKS', secrets: ['secret[]'], parse: jsonList, check: checkSinks },
  alerts: { variable: 'ALERTS', secrets: ['secret[]'], parse: jsonList, check: checkAlerts },
  respond: { variable: 'RESPOND', parse: commaList, check: each(oneOf(...RESPONDED)) },
  dryRun: { variable: 'RULES_DRY_RUN', parse: commaList, check: each(oneOf(...TRIABLE_IDS)) },
  owner: { check: rule('must be a function, or an owner source', isOwnerSource) },
  store: { required: true, check: opened },
  ledger: { required: true, check: opened },
  control: { required: true, check: opened },
  network: { default: () => ({}), check: callback },
  'bodyTimeouts.json': { unit: 'ms', default: 10_000, check: timeout },
  'bodyTimeouts.upload': { unit: 'ms', default: 60_000, check: timeout },
  health: { default: false, check: oneOf(true, false) },
  metrics: {
    check: rule('must be the figures of a process, as local gives them', value => Object(value) === value),
  },
  replay: { check: callback },
  inspect: { check: callback },
  sinkControl: { check: opened },
  findingControl: { check: opened },
  rules: { check: opened },
  close: { check: callback },
  onUnrecorded: { check: callback },
  now: { default: Date.now, check: callback },
}

function commaList(string: string): string[] {
  return string.split(',').map(item => item.trim())
}

function jsonList(string: string): unknown[] {
  let value: unknown
  try {
    value = JSON.parse(string)
  } catch {
    // The parser's own message would quote the string.
    throw new Error('is not valid JSON: check quotes, commas and brackets')
  }
  if (Array.isArray(value)) return value
  throw new Error('must be a JSON list: put "[" and "]" around it')
}
