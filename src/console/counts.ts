import { Fault, Refusal } from '../refusal.ts'
import type { Endpoint } from '../request-context.ts'
import { analystEndpoint } from './analyst-endpoint.ts'
import { readCountQuery } from './query.ts'
import { linesResponse, type RecordsServices } from './records.ts'

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
