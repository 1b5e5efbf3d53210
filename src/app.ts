import { Hono } from 'hono'
import type { Gate } from './gate.ts'
import { hasPlainHost } from './locate/locate.ts'
import { asMiddleware } from './middleware.ts'

/** The app that is deployed as it is, on every runtime: the gate's routes, and one that says that it is alive. */
export function createApp(gate: Gate): Hono {
  const app = new Hono()
  app.on(['GET', 'OPTIONS'], '/healthz', (context, next) => {
    // A path in Host may lead here from any other. The gate refuses that.
    if (!hasPlainHost(context.req.raw)) return next()
    return context.req.method === 'OPTIONS'
      ? context.body(null, 204, { Allow: 'GET, HEAD, OPTIONS' })
      : context.text('ok', 200, { 'Cache-Control': 'no-store' })
  })
  app.all('/console/api/denials', asMiddleware(gate.denials))
  app.all('/console/api/records', asMiddleware(gate.records))
  for (const path of ['/access/v1/*', '/.well-known/authzen-configuration']) {
    app.all(path, asMiddleware(gate.access))
  }
  // Everything else is the gate's, so that no path, however written, falls through to something that isn't guarded.
  app.all('*', asMiddleware(gate.recordings))
  return app
}
