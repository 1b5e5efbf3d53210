import { Hono } from 'hono/tiny'
import type { Gate } from './gate.ts'
import { asHandler } from './middleware.ts'

/**
 * Creates the app that is deployed as it is, on every runtime. Every path is the gate's, so that none, however it is
 * written, leads to something that isn't guarded.
 */
export function createApp(gate: Gate): Hono {
  return new Hono().all('*', asHandler(gate))
}
