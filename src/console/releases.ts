import type { AnalystRoute, AnalystServices } from '../authenticate/analyst.ts'
import type { BodyTimeouts } from '../http/request-body.ts'
import { jsonResponse } from '../http/response-headers.ts'
import { isRelease, observe } from '../ledger/head.ts'
import type { Recorder } from '../ledger/recorder.ts'
import { Fault } from '../refusal.ts'
import type { Endpoint } from '../request-context.ts'
import { analystCallEndpoint, analystEndpoint } from './analyst-endpoint.ts'
import { invalidQuery } from './query.ts'

/** What these routes take beside the request. */
export interface ReleaseServices extends AnalystServices {
  readonly record: Recorder
  readonly bodyTimeouts: Required<BodyTimeouts>
  /** Whether incidents may be rehearsed at this gate. */
  readonly drills: 'allow' | 'refuse'
}

const ROUTE: AnalystRoute = { action: 'mark', most: 1024 }

/**
 * Creates the endpoints by which a team says that a release of its app is out (role `security` or `app`, so that its build may call
 * it), and by which a drill asks whether it may rehearse here.
 */
export function releaseEndpoints(services: ReleaseServices): ReadonlyMap<string, Endpoint> {
  return new Map<string, Endpoint>([
    [
      '/console/api/releases',
      analystCallEndpoint(services, ROUTE, async (context, { json }) => {
        const { release, ...others } = Object(json) as Readonly<Record<string, unknown>>
        if (typeof release !== 'string' || !isRelease(release) || Object.keys(others).length > 0) {
          return invalidQuery('the call must be {"release":"4.12.0"}: at most 32 letters, digits and "._+-"')
        }
        await services
          .record({ ...observe(context), release }, { kind: 'release', decision: 'permit' })
          .catch(Fault.as('ledger_unavailable'))
        return jsonResponse({ release }, 201)
      }),
    ],
    ['/console/api/drills', analystEndpoint(services, async () => jsonResponse({ drills: services.drills }))],
  ])
}
