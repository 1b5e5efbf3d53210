import type { Endpoint } from '../request-context.ts'
import { type ExplainServices, explainEndpoint } from './explain.ts'
import { type FindingServices, findingEndpoints } from './findings.ts'
import { type LockdownServices, lockdownEndpoints } from './lockdowns.ts'
import { type MetricsServices, metricsEndpoint } from './metrics.ts'
import { type PseudonymServices, pseudonymEndpoint } from './pseudonym.ts'
import { countsEndpoint, type RecordsServices, recordsEndpoint } from './records.ts'
import { type ReleaseServices, releaseEndpoints } from './releases.ts'
import { type SinksServices, sinkEndpoints } from './sinks.ts'

/** What the console takes beside the request. */
export type ConsoleServices = RecordsServices &
  PseudonymServices &
  ExplainServices &
  MetricsServices &
  SinksServices &
  LockdownServices &
  FindingServices &
  ReleaseServices

/**
 * Creates the endpoints of the console's API, by path.
 *
 * @param recordings the endpoint that plays: the explanation of a token tries its request there
 */
export function consoleEndpoints(
  services: ConsoleServices,
  recordings: Endpoint,
): ReadonlyMap<string, Endpoint> {
  return new Map([
    ['/console/api/denials', recordsEndpoint(services, 'access')],
    ['/console/api/records', recordsEndpoint(services)],
    ['/console/api/metrics', metricsEndpoint(services)],
    ['/console/api/counts', countsEndpoint(services)],
    ['/console/api/pseudonym', pseudonymEndpoint(services)],
    ['/console/api/explain', explainEndpoint(services, recordings)],
    ...sinkEndpoints(services),
    ...lockdownEndpoints(services),
    ...releaseEndpoints(services),
    ...findingEndpoints(services),
  ])
}
