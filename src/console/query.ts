import { type EventKind, KINDS } from '../ledger/event.ts'
import type { LedgerQuery } from '../ledger/ledger.ts'
import { isPseudonym } from '../ledger/pseudonym.ts'
import { isRecording } from '../locate/names.ts'
import { isReason } from '../reason.ts'
import { Refusal } from '../refusal.ts'

/** Most records in one answer. */
export const MAX_PAGE = 1000

const LIMIT = /^[1-9]\d{0,3}$/
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/

/** What a parameter must be. The value itself is never repeated: it may be what a record must not hold. */
interface Parameter {
  readonly isValid: (value: string) => boolean
  readonly rule: string
}

const TIME: Parameter = { isValid: isTime, rule: 'a time in UTC as in 2026-11-22T10:24:03Z' }

// There is none for the owner. A reader of one tenant must not learn who owns another tenant's recording, and whether such
// a query finds something would say it.
const PARAMETERS = {
  after: { isValid: () => true, rule: 'a cursor' },
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
  // An id of a person would be found in no record, and would stay in the logs of proxies.
  subject: { isValid: isPseudonym, rule: 'a pseudonym: "psn_" and 32 hexadecimal digits' },
  reason: { isValid: isReason, rule: 'one of the reasons in docs/event.md' },
  kind: {
    isValid: value => KINDS.some(kind => kind === value),
    rule: `one of ${KINDS.join(', ')}, or left out`,
  },
} as const satisfies Readonly<Record<string, Parameter>>

type Name = keyof typeof PARAMETERS
const NAMES = Object.keys(PARAMETERS) as Name[]

/**
 * Reads which records a request wants: `after` (a cursor), `since` (recorded at this time or later) and `until` (recorded
 * before), `limit` (1 to 1000), `order` (`newest` first, or `oldest` first, the default), `recording`, `subject`, `reason` and,
 * unless the route is for one kind, `kind`.
 *
 * @param only the kind that the route is for; undefined if the request may choose
 */
export function readQuery(parameters: URLSearchParams, only: EventKind | undefined): LedgerQuery | Refusal {
  const known = only === undefined ? NAMES : NAMES.filter(name => name !== 'kind')
  const stray = refuseStray([...parameters.keys()], known)
  if (stray !== undefined) return stray
  const given = new Map<Name, string>()
  for (const name of known) {
    const value = parameters.get(name)
    if (value === null) continue
    const { isValid, rule } = PARAMETERS[name]
    if (!isValid(value)) return invalidQuery(`${name} must be ${rule}`)
    given.set(name, value)
  }
  const { limit = MAX_PAGE, order, since, until, kind = only, ...fields } = Object.fromEntries(given) as Given
  return {
    ...fields,
    limit: Number(limit),
    ...(order === 'newest' && { order }),
    ...(since !== undefined && { since: new Date(since).toISOString() }),
    ...(until !== undefined && { until: new Date(until).toISOString() }),
    ...(kind !== undefined && { kind }),
  }
}

/** The parameters of a request, each of which was checked. */
type Given = Partial<Record<Exclude<Name, 'kind'>, string>> & { readonly kind?: EventKind }

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

/** `Date` reads a day that isn't in the calendar as one of the next month. */
function isTime(value: string): boolean {
  if (!ISO.test(value)) return false
  const time = new Date(value)
  return Number.isFinite(time.getTime()) && time.toISOString().slice(0, 19) === value.slice(0, 19)
}
