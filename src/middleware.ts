import type { Context, MiddlewareHandler } from 'hono'
import { createGate } from './gate.ts'
import type { Handler } from './guard.ts'
import type { MediawardOptions } from './options.ts'
import type { WaitUntil } from './wait-until.ts'

/**
 * Mediaward as middleware of a Hono app: `app.use('/recordings/*', mediaward({ … }))`. It answers everything below
 * the path where it is mounted and hands nothing on, so that no route behind it can be reached around it.
 *
 * @throws ConfigurationError where the options can't be served
 */
export function mediaward(options: MediawardOptions): MiddlewareHandler {
  return asMiddleware(createGate(options).recordings)
}

/** The route that lists refusals: `app.get('/console/api/denials', denials({ … }))`. */
export function denials(options: MediawardOptions): MiddlewareHandler {
  return asMiddleware(createGate(options).denials)
}

/** The route that lists records of any kind: `app.get('/console/api/records', records({ … }))`. */
export function records(options: MediawardOptions): MiddlewareHandler {
  return asMiddleware(createGate(options).records)
}

/** The routes that apps ask before they show a list: `app.all('/access/v1/*', access({ … }))`. */
export function access(options: MediawardOptions): MiddlewareHandler {
  return asMiddleware(createGate(options).access)
}

/** Hono's handler for a route of the gate. */
export function asMiddleware(handler: Handler): MiddlewareHandler {
  return context => handler(context.req.raw, waitUntilOf(context), context.env)
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
