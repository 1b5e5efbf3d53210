import type { AnalystServices } from '../authenticate/analyst.ts'
import { isStillGood } from '../authenticate/bearer.ts'
import { responseHeaders } from '../http/response-headers.ts'
import type { EventKind } from '../ledger/event.ts'
import { CursorInvalid, type Ledger, type LedgerEntry, type LedgerQuery } from '../ledger/ledger.ts'
import { tenantView } from '../ledger/tenant-view.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { Endpoint, RequestContext } from '../request-context.ts'
import { analystEndpoint } from './analyst-endpoint.ts'
import type { LiveStreams } from './live.ts'
import type { LookRecorder } from './looks/look.ts'
import { invalidQuery, type RecordsQuery, readCountQuery, readQuery } from './query.ts'

/** Header of an answer that says where to read on. */
export const CURSOR_HEADER = 'Mediaward-Cursor'
/** Header of an answer that has the cursor of the log's end: what is recorded later comes after it. */
export const END_HEADER = 'Mediaward-End'
/** Header of an answer, with the value `true`, if more can be read at once. */
export const MORE_HEADER = 'Mediaward-More'

/** Header of an answer, with the value `true`, if its records are from the archive: the live log no longer has them. */
export const ARCHIVED_HEADER = 'Mediaward-Archived'

/** What reading the log takes beside the request. */
export interface RecordsServices extends AnalystServices {
  readonly ledger: Ledger
  readonly looks: LookRecorder
  readonly streams: LiveStreams
}

/**
 * Creates the endpoint that lists the log as JSON lines, or streams it to a client that accepts `text/event-stream`.
 * Requires the role `security`. That the caller looked is on record before the first record leaves.
 *
 * @param only the kind that it is for; undefined if the request may choose
 */
export function recordsEndpoint(services: RecordsServices, only?: EventKind): Endpoint {
  return analystEndpoint(services, async (context, { tenant }) => {
    const { request } = context
    const isStream = request.headers.get('accept')?.includes('text/event-stream') ?? false
    const query = readQuery(new URL(request.url), { only, tenant, isStream })
    if (query instanceof Refusal) return query
    const list = isStream ? streamRecords : query.held ? listHeld : listRecords
    try {
      return await list(context, query, tenant, services)
    } catch (error) {
      if (error instanceof CursorInvalid) return invalidQuery('after is not a cursor of this log')
      throw error instanceof Fault ? error : new Fault('ledger_unavailable', error)
    }
  })
}

/** Creates the endpoint that counts records by minute or hour, as JSON lines. Requires the role `security`. */
export function countsEndpoint(services: RecordsServices): Endpoint {
  const { ledger, looks } = services
  return analystEndpoint(services, async (context, { tenant }) => {
    const query = readCountQuery(new URL(context.request.url), { only: undefined, tenant })
    if (query instanceof Refusal) return query
    const counts = await ledger.count(query).catch(Fault.as('ledger_unavailable'))
    await looks.record(context, 'count', query, counts.length)
    return linesResponse(counts.map(count => JSON.stringify(count)))
  })
}

async function listRecords(
  context: RequestContext,
  { indexed, ...query }: RecordsQuery,
  tenant: string | undefined,
  { ledger, looks }: RecordsServices,
): Promise<Response> {
  const page = await ledger.read(query)
  const shown = page.entries.flatMap(entry => {
    const json = showTo(tenant)(entry)
    return json === undefined ? [] : { index: entry.index, json }
  })
  await looks.read(context, query, {
    places: shown.map(({ index }) => `${index}`.padStart(16, '0')),
    beginningOf: isPlaced(query) ? undefined : (query.order ?? 'oldest'),
  })
  const lines = shown.map(({ index, json }) => (indexed ? `{"index":${index},"record":${json}}` : json))
  return linesResponse(lines, {
    [CURSOR_HEADER]: page.cursor,
    [END_HEADER]: page.end,
    ...(page.more && { [MORE_HEADER]: 'true' }),
    ...(page.archived && { [ARCHIVED_HEADER]: 'true' }),
  })
}

/** Lists the deliveries that the log puts together, as they are so far. */
async function listHeld(
  context: RequestContext,
  query: LedgerQuery,
  tenant: string | undefined,
  { ledger, looks }: RecordsServices,
): Promise<Response> {
  const shown = (await ledger.held(query)).flatMap(entry => {
    const json = showTo(tenant)(entry)
    return json === undefined ? [] : { id: entry.id, json }
  })
  // What grows until it has an index keeps its id, and ids are by time.
  const beginningOf = isPlaced(query) ? undefined : 'held'
  await looks.read(context, query, { places: shown.map(({ id }) => id), beginningOf })
  return linesResponse(shown.map(({ json }) => json))
}

const isPlaced = ({ after, from }: LedgerQuery): boolean => after !== undefined || from !== undefined

/** Answers with JSON lines. */
function linesResponse(lines: readonly string[], headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(lines.map(json => `${json}\n`).join(''), {
    headers: responseHeaders({ 'Content-Type': 'application/x-ndjson' }, headers),
  })
}

/** Streams from the last event that the client has, else from where it asks, else from the end of the log. */
async function streamRecords(
  context: RequestContext,
  query: LedgerQuery,
  tenant: string | undefined,
  services: RecordsServices,
): Promise<Response | Refusal> {
  const { ledger, looks, streams } = services
  const { request, now } = context
  const given = request.headers.get('last-event-id') ?? ''
  if (!/^\d{0,15}$/.test(given)) return invalidQuery('Last-Event-ID must be the id of an event of this log')
  const { after, from: _, ...filters } = query
  const hasPlace = isPlaced(query) || query.since !== undefined
  // Also, a cursor of another form is refused before the stream begins.
  const { entries } = await ledger.read(
    after === undefined ? { limit: 1, order: 'newest' } : { limit: 1, after },
  )
  const last = given !== '' ? Number(given) : hasPlace ? undefined : entries[0]?.index
  const start = last === undefined ? query : { ...filters, from: last + 1 }
  await looks.follow(context, query)
  const { subject, waitUntil } = context
  const isAllowed = async () =>
    subject !== undefined &&
    (await isStillGood(context, services)) &&
    (await services.containment.refuseKnownRevoked(subject, waitUntil)) === undefined
  const count = (rows: number) => looks.followOn(context, query, rows)
  return streams.open({ ledger, query: start, last, show: showTo(tenant), count, isAllowed, now })
}

/** Returns what a reader sees of an entry. An integrator's own ledger may find more than was asked for. */
const showTo =
  (tenant: string | undefined) =>
  ({ json }: LedgerEntry): string | undefined =>
    tenant === undefined ? json : tenantView(json, tenant)
