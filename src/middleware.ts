import type { Context, MiddlewareHandler } from 'hono'
import type { WaitUntil } from './base/wait-until.ts'
import type { MediawardOptions } from './config/options.ts'
import { createGate } from './gate.ts'
import type { Handler } from './guard.ts'

/**
 * A gate in a Hono app. It is itself the middleware of the recordings: `app.use('/recordings/*', gate)`, and for tickets
 * `app.use('/play/*', gate)`. It answers everything below the path where it is mounted and hands nothing on, so that no
 * route behind it can be reached around it.
 */
export interface Mediaward extends MiddlewareHandler {
  /**
   * What apps ask before they show a list: `app.all('/access/v1/*', gate.access)`, and the same at
   * `/.well-known/authzen-configuration`.
   */
  readonly access: MiddlewareHandler
  /** Lists refusals, for the role `security`: `app.all('/console/api/denials', gate.denials)`. */
  readonly denials: MiddlewareHandler
  /** Lists records of any kind, for the role `security`: `app.all('/console/api/records', gate.records)`. */
  readonly records: MiddlewareHandler
  /**
   * Records what was counted and isn't on record yet, then gives back what the gate was made with. For when a process
   * ends, after its last request is answered; Workers don't need it.
   */
  close(): Promise<void>
}

/**
 * Mediaward as middleware of a Hono app. An app makes one gate, for all its routes.
 *
 * @throws ConfigurationError where the options can't be served
 */
export function mediaward(options: MediawardOptions): Mediaward {
  const { recordings, access, denials, records, flush } = createGate(options)
  return Object.assign(asMiddleware(recordings), {
    access: asMiddleware(access),
    denials: asMiddleware(denials),
    records: asMiddleware(records),
    async close() {
      try {
        await flush()
      } finally {
        await options.close?.()
      }
    },
  })
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
