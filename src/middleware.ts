import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes, routePath } from 'hono/route'
import type { WaitUntil } from './base/timeout.ts'
import { ConfigurationError, type MediawardOptions } from './config/options.ts'
import { createGate, type Gate } from './gate.ts'

/**
 * A gate in a Hono app: `app.use(gate)`. It is middleware for all its routes (recordings, tickets, what apps ask, the
 * console), and hands on what is below none of them. To mount a part of it, name a path that ends in `/*`, such as
 * `app.use('/recordings/*', gate)`.
 */
export interface Mediaward extends MiddlewareHandler {
  /**
   * Records what was counted and isn't on record yet, then gives back what the gate was made with. For when a process
   * ends, after its last request is answered; Workers don't need it.
   */
  close(): Promise<void>
  /** Ends the live streams of the log, and each later one at once. For when a process stops, before it waits for its last answer. */
  endStreams(): void
  /** Brings back records that the ledger couldn't take when they were made. For the `scheduled` handler of a worker. */
  scheduled(): Promise<void>
}

/**
 * Creates a gate as middleware of a Hono app. An app makes one gate.
 *
 * @throws ConfigurationError if the options can't be served
 */
export function mediaward(options: MediawardOptions): Mediaward {
  const gate = createGate(options)
  const middleware: MiddlewareHandler = async (context, next) => {
    checkMount(context)
    const { raw, path } = context.req
    return gate.serves(raw, path) ? gate.fetch(raw, waitUntilOf(context), context.env) : next()
  }
  return Object.assign(middleware, {
    async close() {
      try {
        await gate.flush()
      } finally {
        await options.close?.()
      }
    },
    endStreams: gate.endStreams,
    async scheduled() {
      await options.replay?.()
    },
  })
}

/** Creates Hono's handler of a gate that answers every request, of which nothing is handed on. */
export function asHandler(gate: Gate): (context: Context) => Promise<Response> {
  return context => gate.fetch(context.req.raw, waitUntilOf(context), context.env)
}

/**
 * Makes sure that the app hands all of a recording's requests to the gate.
 *
 * @throws ConfigurationError if the gate is mounted at a single path, or behind a route of the app
 */
function checkMount(context: Context): void {
  const mount = routePath(context)
  if (mount.includes(':')) {
    throw new ConfigurationError([
      `the gate is mounted at "${mount}", where it doesn't see all of a recording's requests: mount it by app.use(gate), or at a path that ends in "/*"`,
    ])
  }
  const before = matchedRoutes(context)
    .slice(0, context.req.routeIndex)
    .find(({ path }) => !path.endsWith('*'))
  if (before !== undefined) {
    throw new ConfigurationError([
      `the route "${before.path}" of the app comes before the gate, and could answer in its place: mount the gate first`,
    ])
  }
}

/** Runtimes that keep a process alive have no execution context, and need none. */
function waitUntilOf(context: Context): WaitUntil {
  try {
    const { executionCtx } = context
    return work => executionCtx.waitUntil(work)
  } catch {
    return () => {}
  }
}
