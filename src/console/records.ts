import { authenticateAnalyst } from '../authenticate/analyst.ts'
import type { BearerServices } from '../authenticate/bearer.ts'
import { responseHeaders } from '../http/response-headers.ts'
import type { EventKind } from '../ledger/event.ts'
import { CursorInvalid, type Ledger } from '../ledger/ledger.ts'
import { tenantView } from '../ledger/tenant-view.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { Endpoint } from '../request-context.ts'
import { invalidQuery, readQuery } from './query.ts'

/** Header of an answer that says where to read on. */
export const CURSOR_HEADER = 'Mediaward-Cursor'
/** Header of an answer that has the cursor of the log's end: what is recorded later comes after it. */
export const END_HEADER = 'Mediaward-End'
/** Header of an answer, with the value `true`, if more can be read at once. */
export const MORE_HEADER = 'Mediaward-More'

/** Longest query that is read, in characters: on Node, reading many parameters takes quadratic time. */
const MAX_QUERY = 4096

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
      const analyst = await authenticateAnalyst(context, services)
      if (analyst instanceof Refusal) return analyst
      return listRecords(context.request, services.ledger, only, analyst.tenant)
    },
  }
}

/**
 * Lists records as JSON lines. `readQuery` has the parameters.
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
      ? invalidQuery(`The query must be at most ${MAX_QUERY} characters long`)
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
        [END_HEADER]: page.end,
        ...(page.more && { [MORE_HEADER]: 'true' }),
      }),
    })
  } catch (error) {
    if (error instanceof CursorInvalid) return invalidQuery('after is not a cursor of this log')
    throw new Fault('ledger_unavailable', error)
  }
}
