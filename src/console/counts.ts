import { authenticateAnalyst } from '../authenticate/analyst.ts'
import { responseHeaders } from '../http/response-headers.ts'
import { Fault, Refusal } from '../refusal.ts'
import type { Endpoint } from '../request-context.ts'
import { readCountQuery } from './query.ts'
import type { RecordsServices } from './records.ts'

/** Creates the endpoint that counts records by minute or hour, as JSON lines. Requires the role `security`. */
export function countsEndpoint(services: RecordsServices): Endpoint {
  const { ledger, looks } = services
  return {
    allow: () => 'GET, OPTIONS',

    async handle(context) {
      if (context.request.method !== 'GET') return new Refusal('method_not_allowed')
      const analyst = await authenticateAnalyst(context, services)
      if (analyst instanceof Refusal) return analyst
      const query = readCountQuery(new URL(context.request.url), { only: undefined, tenant: analyst.tenant })
      if (query instanceof Refusal) return query
      const counts = await ledger.count(query).catch(Fault.as('ledger_unavailable'))
      await looks.record(context, 'count', query, counts.length)
      return new Response(counts.map(count => `${JSON.stringify(count)}\n`).join(''), {
        headers: responseHeaders({ 'Content-Type': 'application/x-ndjson' }),
      })
    },
  }
}
