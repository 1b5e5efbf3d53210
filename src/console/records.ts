import { authenticateBearer, type BearerServices } from '../authenticate/bearer.ts'
import { authorize } from '../authorize/authorize.ts'
import { responseHeaders } from '../http/response-headers.ts'
import { type EventKind, KINDS } from '../ledger/event.ts'
import { CursorInvalid, type Ledger, type LedgerQuery } from '../ledger/ledger.ts'
import { tenantView } from '../ledger/tenant-view.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { Endpoint } from '../request-context.ts'

/** Most records in one answer. */
export const MAX_PAGE = 1000
/** Header of an answer that says where to read on. */
export const CURSOR_HEADER = 'Mediaward-Cursor'
/** Header of an answer, with the value `true`, if more can be read at once. */
export const MORE_HEADER = 'Mediaward-More'

/** Longest query that is read, in characters: on Node, reading many parameters takes quadratic time. */
const MAX_QUERY = 4096

const LIMIT = /^[1-9]\d{0,3}$/
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/

/** What listing the log takes beside the request. */
export interface RecordsServices extends BearerServices {
  readonly ledger: Ledger
}

/** Creates the endpoint that lists the log. Requires the role `security`. `only` is the kind that it is for. */
export function recordsEndpoint(services: RecordsServices, only?: EventKind): Endpoint {
  return {
    allow: () => 'GET, OPTIONS',

    async handle(context) {
      if (context.request.method !== 'GET') return new Refusal('method_not_allowed')
      const subject = await authenticateBearer(context, services)
      if (subject instanceof Refusal) return subject
      const decision = authorize({ subject, action: 'audit' })
      if (decision instanceof Refusal) return decision
      return listRecords(context.request, services.ledger, only, decision.tenant)
    },
  }
}

/**
 * Lists records as JSON lines, oldest first. Query parameters: `after` (a cursor), `since` (ISO 8601, UTC: recorded at
 * this time or later), `limit` (1 to 1000), `latest` (`true`: the newest instead of the oldest) and, if the route isn't for
 * one kind, `kind`.
 *
 * @param only the kind that the route is for; undefined if the request may choose
 * @param tenant the only tenant whose records are listed; undefined for all
 */
async function listRecords(
  request: Request,
  ledger: Ledger,
  only: EventKind | undefined,
  tenant: string | undefined,
): Promise<Response | Refusal> {
  const url = new URL(request.url)
  // A query that is too long is not even parsed.
  const query =
    url.search.length > 1 + MAX_QUERY
      ? invalid(`The query must be at most ${MAX_QUERY} characters long`)
      : readQuery(url.searchParams, only)
  if (query instanceof Refusal) return query
  try {
    const page = await ledger.read(tenant === undefined ? query : { ...query, tenant })
    // An integrator's own ledger, or that of an earlier deployment, may find more than was asked for.
    const seen = page.entries.flatMap(({ json }) =>
      tenant === undefined ? json : (tenantView(json, tenant) ?? []),
    )
    const lines = seen.map(json => `${json}\n`).join('')
    return new Response(lines, {
      headers: responseHeaders({
        'Content-Type': 'application/x-ndjson',
        [CURSOR_HEADER]: page.cursor,
        ...(page.more && { [MORE_HEADER]: 'true' }),
      }),
    })
  } catch (error) {
    if (error instanceof CursorInvalid) return invalid('after is not a cursor of this log')
    throw new Fault('ledger_unavailable', error)
  }
}

/** Refuses a parameter that the API doesn't know, or that is there twice: the caller would be shown other records than it means. */
function refuseStray(parameters: URLSearchParams, only: EventKind | undefined): Refusal | undefined {
  const known = ['after', 'since', 'limit', 'latest', ...(only === undefined ? ['kind'] : [])]
  const names = [...parameters.keys()].map(name => name.slice(0, 64))
  const unknown = names.filter(name => !known.includes(name))
  if (unknown.length > 0) {
    return invalid(`unknown: ${unknown.slice(0, 8).join(', ')}. Known are ${known.join(', ')}`)
  }
  const twice = names.find((name, index) => names.indexOf(name) < index)
  return twice === undefined ? undefined : invalid(`${twice} may be given once`)
}

function readQuery(parameters: URLSearchParams, only: EventKind | undefined): LedgerQuery | Refusal {
  const stray = refuseStray(parameters, only)
  if (stray !== undefined) return stray
  const askedLimit = parameters.get('limit') ?? `${MAX_PAGE}`
  const limit = LIMIT.test(askedLimit) ? Number(askedLimit) : 0
  if (limit < 1 || limit > MAX_PAGE) return invalid(`limit must be from 1 to ${MAX_PAGE}`)
  const since = parameters.get('since')
  if (since !== null && !isTime(since)) {
    return invalid('since must be a time in UTC as in 2026-11-22T10:24:03Z')
  }
  const latest = parameters.get('latest')
  if (latest !== null && latest !== 'true') return invalid('latest must be true, or left out')
  const askedKind = parameters.get('kind')
  const kind = only ?? KINDS.find(known => known === askedKind)
  if (only === undefined && askedKind !== null && kind === undefined) {
    return invalid(`kind must be one of ${KINDS.join(', ')}, or left out`)
  }
  const after = parameters.get('after')
  return {
    limit,
    ...(after !== null && { after }),
    ...(since !== null && { since: new Date(since).toISOString() }),
    ...(latest !== null && { latest: true }),
    ...(kind !== undefined && { kind }),
  }
}

const invalid = (detail: string): Refusal => new Refusal('query_invalid', detail)

/** `Date` reads a day that isn't in the calendar as one of the next month. */
function isTime(value: string): boolean {
  if (!ISO.test(value)) return false
  const time = new Date(value)
  return Number.isFinite(time.getTime()) && time.toISOString().slice(0, 19) === value.slice(0, 19)
}
