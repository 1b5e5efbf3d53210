import type { AnalystServices } from '../authenticate/analyst.ts'
import { authenticateAnalyst } from '../authenticate/analyst.ts'
import { logFault, NOT_SHOWN } from '../base/storage-fault.ts'
import { withTimeout } from '../base/timeout.ts'
import { authorizationToken, hasTokenInQuery } from '../http/credential.ts'
import { responseHeaders } from '../http/response-headers.ts'
import { VERSION } from '../ledger/event.ts'
import type { Pseudonym } from '../ledger/pseudonym.ts'
import { INFO, type MetricSource, type Sample, SOURCE_UP } from '../metrics/families.ts'
import { OPENMETRICS, writeOpenMetrics } from '../metrics/openmetrics.ts'
import { Refusal } from '../refusal.ts'
import type { Endpoint, RequestContext } from '../request-context.ts'
import type { LookRecorder } from './looks/look.ts'

/** What the endpoint of metrics takes beside the request. */
export interface MetricsServices extends AnalystServices {
  readonly metricSources: readonly MetricSource[]
  /** The token of a scraper. Undefined if there is none. */
  readonly metricsToken: string | undefined
  readonly pseudonym: Pseudonym
  readonly looks: LookRecorder
}

/** How long a source may take, in milliseconds. A scraper gives up after ten seconds. */
const PATIENCE = 3_000

/**
 * Creates the endpoint of the gate's figures, in OpenMetrics. Requires the token of a scraper, or the role `security` and a
 * reader of all tenants; the look of such a reader is on record before the figures leave. A source that fails is left out,
 * and `mediaward_source_up` says so.
 */
export function metricsEndpoint(services: MetricsServices): Endpoint {
  const { metricSources, looks } = services
  return {
    isProbe: true,
    allow: () => 'GET, OPTIONS',

    async handle(context) {
      if (context.request.method !== 'GET') return new Refusal('method_not_allowed')
      if (!(await isScraper(context, services))) {
        const analyst = await authenticateAnalyst(context, 'audit', services)
        if (analyst instanceof Refusal) return analyst
        // The figures are of all tenants together.
        if (analyst.tenant !== undefined) return new Refusal('tenant_mismatch')
        await looks.record(context, 'metrics', {})
      }
      const samples = await Promise.all(metricSources.map(readSource))
      const info: Sample = [INFO, 1, { version: VERSION }]
      return new Response(writeOpenMetrics([info, ...samples.flat()]), {
        headers: responseHeaders({ 'Content-Type': OPENMETRICS }),
      })
    },
  }
}

/**
 * Returns whether a request has the token of a scraper. One that is not is refused as a token of an issuer. The two are
 * compared by keyed digests, of which a caller can choose none, so the time says nothing of the secret.
 */
async function isScraper(
  { request }: RequestContext,
  { metricsToken, pseudonym }: MetricsServices,
): Promise<boolean> {
  if (metricsToken === undefined || hasTokenInQuery(request)) return false
  const credential = authorizationToken(request, false)
  if (credential === undefined || credential instanceof Refusal) return false
  const [given, wanted] = [credential.token, metricsToken].map(token => pseudonym('token', 'metrics', token))
  return (await given) === (await wanted)
}

async function readSource(source: MetricSource): Promise<readonly Sample[]> {
  const up = (value: number): Sample => [SOURCE_UP, value, { source: source.name }]
  try {
    return [...(await withTimeout(PATIENCE, source.read())), up(1)]
  } catch (error) {
    logFault(`the metrics lack ${source.name}`, error, NOT_SHOWN)
    return [up(0)]
  }
}
