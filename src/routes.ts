import type { ResolvedOptions } from './config/check-options.ts'
import { CONFIGURATION, EVALUATION } from './evaluate/paths.ts'
import { hasPlainHost, rawPath } from './locate/locate.ts'
import { TICKET_PREFIX } from './locate/location.ts'
import type { Endpoint } from './request-context.ts'

/** What the gate does, by name. */
export interface Endpoints {
  /** Plays and stores recordings, and issues tickets. */
  readonly recordings: Endpoint
  /** Answers what a subject may play. */
  readonly evaluation: Endpoint
  /** The console's API, by path. */
  readonly console: ReadonlyMap<string, Endpoint>
  /** Examines the gate. */
  readonly doctor: Endpoint
  /** Ends logins, by path. */
  readonly session: ReadonlyMap<string, Endpoint>
  /** Says whether the gate is alive and ready, by path. */
  readonly health: ReadonlyMap<string, Endpoint>
}

/** Which endpoint a request is for, by its path alone. */
export interface Routes {
  /** Returns the endpoint of a request: that of recordings, if its path is below no other. */
  endpointFor(request: Request): Endpoint
  /** Returns whether a request is for the gate. See `Gate.serves`. */
  serves(request: Request, routed?: string): boolean
}

/** Below it apps ask what a subject may play. */
const ACCESS = EVALUATION.slice(0, EVALUATION.lastIndexOf('/') + 1)

/** Creates the routes of a gate. */
export function createRoutes({ locations, health }: ResolvedOptions, endpoints: Endpoints): Routes {
  const { recordings, evaluation, doctor } = endpoints
  const fixed = new Map<string | undefined, Endpoint>([
    [CONFIGURATION, evaluation],
    ...endpoints.console,
    ...endpoints.session,
    ['/console/api/doctor', doctor],
    ...(health ? endpoints.health : []),
  ])
  const media = locations.map(({ url }) => url.split(':recording')[0] ?? '/')
  const prefixes = [TICKET_PREFIX, ACCESS, ...media]
  const isOurs = (path: string | undefined): boolean =>
    path === undefined ||
    fixed.has(path) ||
    prefixes.some(prefix => path.startsWith(prefix) || path === prefix.slice(0, -1))
  return {
    endpointFor({ url }) {
      const path = rawPath(url)
      return fixed.get(path) ?? (path?.startsWith(ACCESS) ? evaluation : recordings)
    },
    // Also what the app would route to a path of the gate, however it is written; and a request whose Host may hold a path,
    // which may lead anywhere.
    serves: (request, routed) =>
      isOurs(rawPath(request.url)) || (routed !== undefined && isOurs(routed)) || !hasPlainHost(request),
  }
}
