import { authenticateLogin } from './authenticate/bearer.ts'
import { authenticatePlayback } from './authenticate/playback.ts'
import { resolveOptions } from './config/check-options.ts'
import type { MediawardOptions } from './config/options.ts'
import { consoleEndpoints } from './console/endpoints.ts'
import { doctorEndpoint } from './doctor/endpoint.ts'
import { evaluationEndpoint } from './evaluate/endpoint.ts'
import { withRequestId } from './evaluate/paths.ts'
import { Guard, type Handler } from './guard.ts'
import { healthEndpoints } from './health/endpoints.ts'
import { storeRecording } from './ingest/store-recording.ts'
import { methodsAt, operationOf } from './locate/target.ts'
import { playRecording } from './play/play-recording.ts'
import { Refusal } from './refusal.ts'
import type { Endpoint } from './request-context.ts'
import { createRoutes } from './routes.ts'
import { createServices, type Services } from './services.ts'
import { sessionEndpoints } from './session/endpoints.ts'
import { issueTicket } from './ticket/issue-ticket.ts'

/** A gate in front of recordings: every route of it. */
export interface Gate {
  /** Answers a request. Refuses a path that belongs to none of the gate's routes as `path_invalid`. */
  readonly fetch: Handler
  /** Returns whether a request is for the gate. `routed` is the path by which an app around it would route the request. */
  serves(request: Request, routed?: string): boolean
  /** Records what is counted and not on record yet. For when a process ends. */
  flush(): Promise<void>
  /** Ends the live streams of the log, and each later one at once. For when a process stops: they have no end. */
  endStreams(): void
}

/**
 * Creates a gate.
 *
 * @throws ConfigurationError if the options can't be served
 */
export function createGate(given: MediawardOptions): Gate {
  const options = resolveOptions(given)
  const services = createServices(options)
  const { refusals, deliveries, heartbeats } = services
  const guard = new Guard(services)
  const recordings = recordingsEndpoint(services)
  const evaluation = evaluationEndpoint(services)
  const routes = createRoutes(options, {
    recordings,
    evaluation,
    console: consoleEndpoints(services, recordings),
    doctor: doctorEndpoint(services),
    health: healthEndpoints(services),
    session: sessionEndpoints(services),
  })
  return {
    async fetch(request, waitUntil, platform) {
      const endpoint = routes.endpointFor(request)
      const response = await guard.answer(endpoint, request, waitUntil, platform)
      return endpoint === evaluation ? withRequestId(request, response) : response
    },
    serves: routes.serves,
    flush: () => Promise.all([refusals.flush(), deliveries.flush()]).then(() => heartbeats.end()),
    endStreams: () => services.streams.end(),
  }
}

/** Handles a request for a recording. What a stage refuses, the guard records and then answers. */
function recordingsEndpoint(services: Services): Endpoint {
  return {
    allow: request => methodsAt(request, services.tickets !== undefined),

    async handle(context) {
      const operation = operationOf(context.request, services.locations)
      if (operation instanceof Refusal) return operation
      if (operation.ref !== undefined) context.ref = operation.ref
      if (operation.action === undefined) return new Refusal('method_not_allowed')

      if (operation.action === 'play') {
        const playback = await authenticatePlayback(context, operation, services)
        return playback instanceof Refusal ? playback : playRecording(context, playback, services)
      }
      const subject = await authenticateLogin(context, services)
      if (subject instanceof Refusal) return subject
      return operation.action === 'ticket'
        ? issueTicket(context, operation, subject, services)
        : storeRecording(context, operation, subject, services)
    },
  }
}
