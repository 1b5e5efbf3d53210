import { isTenantName } from '../authorize/rules/tenant.ts'
import { present } from '../base/present.ts'
import { type EventKind, KINDS } from '../ledger/event.ts'
import { isRelease } from '../ledger/head.ts'
import type { CountQuery, LedgerQuery, QueryValue } from '../ledger/ledger.ts'
import { isPseudonym, MAX_KEYS } from '../ledger/pseudonym.ts'
import { COUNT_UNITS } from '../ledger/query/counts.ts'
import { isRecording } from '../locate/names.ts'
import { isReason } from '../reason.ts'
import { Refusal } from '../refusal.ts'

/** Longest query that is read, in characters: on Node, reading many parameters takes quadratic time. */
const MAX_QUERY = 4096
/** Most records in one answer. */
export const MAX_PAGE = 1000

const LIMIT = /^[1-9]\d{0,3}$/
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/

/** What a parameter must be. The value itself is never repeated: it may be what a record must not hold. */
export interface Parameter {
  readonly isValid: (value: string) => boolean
  readonly rule: string
}

export const TIME: Parameter = { isValid: isTime, rule: 'a time in UTC as in 2026-11-22T10:24:03Z' }

// A person is asked for by pseudonym alone: an id would be found in no record, and would stay in the logs of proxies.
// Of a person whose pseudonym changed with the key, all of them are asked for.
export const PERSON: Parameter = {
  isValid: value => pseudonymsIn(value).length <= MAX_KEYS && pseudonymsIn(value).every(isPseudonym),
  rule: `a pseudonym: "psn_" and 32 hexadecimal digits, or up to ${MAX_KEYS} with commas between them`,
}

const FLAG: Parameter = { isValid: value => value === 'true', rule: 'true, or left out' }

const PARAMETERS = {
  after: { isValid: () => true, rule: 'a cursor' },
  from: { isValid: value => /^\d{1,15}$/.test(value), rule: 'an index of the log' },
  since: TIME,
  until: TIME,
  limit: {
    isValid: value => LIMIT.test(value) && Number(value) <= MAX_PAGE,
    rule: `from 1 to ${MAX_PAGE}`,
  },
  order: {
    isValid: value => value === 'oldest' || value === 'newest',
    rule: 'oldest or newest, which come first, or left out',
  },
  recording: { isValid: isRecording, rule: "a recording's id" },
  subject: PERSON,
  owner: PERSON,
  reason: { isValid: isReason, rule: 'one of the reasons in docs/event.md' },
  release: { isValid: isRelease, rule: 'a release as the log has it, as in 4.12.0' },
  tenant: { isValid: isTenantName, rule: 'the name of a tenant' },
  kind: {
    isValid: value => KINDS.some(kind => kind === value),
    rule: `one of ${KINDS.join(', ')}, or left out`,
  },
  held: FLAG,
  indexed: FLAG,
  by: { isValid: value => value === 'minute' || value === 'hour', rule: 'minute or hour' },
} as const satisfies Readonly<Record<string, Parameter>>

type Name = keyof typeof PARAMETERS

/** The parameters of a list of records. */
const LISTED = (Object.keys(PARAMETERS) as readonly Name[]).filter(name => name !== 'by')
/** The parameters of a stream of records. It has no end, and is in the order of the log. */
const STREAMED = LISTED.filter(name => !['until', 'limit', 'order', 'held', 'indexed'].includes(name))
/** The parameters of counts. */
const COUNTED = ['by', 'since', 'until', 'reason', 'tenant', 'kind'] as const

/** Which records a request wants. */
export interface RecordsQuery extends LedgerQuery {
  /** Deliveries that have no index yet, instead of the records of the log. */
  readonly held?: true
  /** Each record with its index: `{"index":…,"record":…}`. */
  readonly indexed?: true
}

/** How a route reads its parameters. */
export interface QueryRules {
  /** The kind that the route is for; undefined if the request may choose. */
  readonly only: EventKind | undefined
  /** The only tenant whose records the caller may read; undefined for all. */
  readonly tenant: string | undefined
  /** Whether what is asked for is a stream. */
  readonly isStream?: boolean
}

/**
 * Reads which records a request wants: `after` (a cursor) or `from` (an index), `since` (recorded at this time or later) and
 * `until` (recorded before), `limit` (1 to 1000), `order` (`newest` first, or `oldest` first, the default), `recording`,
 * `subject`, `owner`, `reason`, `release`, `tenant`, `held` (`true`: deliveries that have no index yet), `indexed`
 * (`true`: each record with its index) and, unless the route
 * is for one kind, `kind`.
 */
export function readQuery(url: URL, rules: QueryRules): RecordsQuery | Refusal {
  const given = readParameters(url, rules.isStream ? STREAMED : LISTED, rules)
  if (given instanceof Refusal) return given
  if (given.after !== undefined && given.from !== undefined)
    return invalidQuery('after and from exclude each other')
  if (given.from !== undefined && given.order === 'newest')
    return invalidQuery('from is for the oldest first')
  const { limit = MAX_PAGE, order, from, by: _, held, indexed, subject, owner, ...fields } = given
  return {
    ...fields,
    limit: Number(limit),
    ...(order === 'newest' && { order }),
    ...present({
      subject: subject && personOf(subject),
      owner: owner && personOf(owner),
      from: from === undefined ? undefined : Number(from),
      held: held === 'true' || undefined,
      indexed: indexed === 'true' || undefined,
    }),
  }
}

const pseudonymsIn = (value: string): readonly string[] => value.split(',')

/** As the record of the look has it: one is no list. */
export function personOf(person: string): QueryValue {
  const pseudonyms = pseudonymsIn(person)
  return pseudonyms.length === 1 ? person : pseudonyms
}

/** Most spans that are counted at once: a week by minute. */
const MAX_SPANS = 10_080

/** Reads what a request wants counted: `by` (`minute` or `hour`), `since`, `until`, `kind`, `reason` and `tenant`. */
export function readCountQuery(url: URL, rules: QueryRules): CountQuery | Refusal {
  const given = readParameters(url, COUNTED, rules)
  if (given instanceof Refusal) return given
  const { by, since, until, kind, reason, tenant } = given
  if (by === undefined || since === undefined || until === undefined) {
    return invalidQuery('by, since and until are required')
  }
  const spans = (Date.parse(until) - Date.parse(since)) / COUNT_UNITS[by]
  if (spans > MAX_SPANS) return invalidQuery(`at most ${MAX_SPANS} spans are counted at once`)
  return { by, since, until, ...present({ kind, reason, tenant }) }
}

/** The parameters of a request, each of which was checked. */
interface Given extends Partial<Record<Exclude<Name, 'kind' | 'order' | 'by'>, string>> {
  readonly kind?: EventKind
  readonly order?: 'oldest' | 'newest'
  readonly by?: CountQuery['by']
}

function readParameters(url: URL, names: readonly Name[], { only, tenant }: QueryRules): Given | Refusal {
  const known = names.filter(name => name !== 'kind' || only === undefined)
  const given = valuesIn(url, known, PARAMETERS)
  if (given instanceof Refusal) return given
  const asked = given.get('tenant')
  if (tenant !== undefined && asked !== undefined && asked !== tenant) {
    return invalidQuery('tenant must be your own, or left out')
  }
  if (tenant !== undefined) given.set('tenant', tenant)
  if (only !== undefined) given.set('kind', only)
  return Object.fromEntries(given) as Given
}

/** Reads the parameters of a request, each of which is checked. */
export function valuesIn<Known extends string>(
  url: URL,
  names: readonly Known[],
  parameters: Readonly<Record<Known, Parameter>>,
): Map<string, string> | Refusal {
  // A query that is too long is not even parsed.
  if (url.search.length > 1 + MAX_QUERY) {
    return invalidQuery(`The query must be at most ${MAX_QUERY} characters long`)
  }
  const { searchParams } = url
  const stray = refuseStray([...searchParams.keys()], names)
  if (stray !== undefined) return stray
  const given = new Map<string, string>()
  for (const name of names) {
    const value = searchParams.get(name)
    if (value === null) continue
    const { isValid, rule } = parameters[name]
    if (!isValid(value)) return invalidQuery(`${name} must be ${rule}`)
    given.set(name, rule === TIME.rule ? new Date(value).toISOString() : value)
  }
  return given
}

/** Refuses a parameter that the API doesn't know, or that is there twice: the caller would be shown other records than it means. */
function refuseStray(given: readonly string[], known: readonly string[]): Refusal | undefined {
  const names = given.map(name => name.slice(0, 64))
  const unknown = names.filter(name => !known.includes(name))
  if (unknown.length > 0) {
    return invalidQuery(`unknown: ${unknown.slice(0, 8).join(', ')}. Known are ${known.join(', ')}`)
  }
  const twice = names.find((name, index) => names.indexOf(name) < index)
  return twice === undefined ? undefined : invalidQuery(`${twice} may be given once`)
}

/** Refuses a call of the console's API. `detail` says what is wrong and how to fix it. */
export const invalidQuery = (detail: string): Refusal => new Refusal('query_invalid', detail)

/** Returns whether a value is a time as the API takes it. `Date` reads a day that isn't in the calendar as one of the next month. */
export function isTime(value: string): boolean {
  if (!ISO.test(value)) return false
  const time = new Date(value)
  return Number.isFinite(time.getTime()) && time.toISOString().slice(0, 19) === value.slice(0, 19)
}
