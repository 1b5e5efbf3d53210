import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { createGate } from '../../gate.ts'
import { asMiddleware } from '../../middleware.ts'
import { readVariables } from '../../variables.ts'
import { cloudflare } from './cloudflare.ts'

export { LedgerObject } from './ledger-object.ts'

// Read when the worker starts: a mistake in the configuration keeps it from starting, so no patient meets it.
const { ledgerShards, ...options } = readVariables({ ...env })
const platform = cloudflare(env, ledgerShards)
const gate = createGate({ ...options, ...platform })

const app: Hono = new Hono()
app.get('/healthz', context => context.text('ok', 200, { 'Cache-Control': 'no-store' }))
app.all('/console/api/denials', asMiddleware(gate.denials))
// Everything else is the gate's, so that no path, however written, falls through to something that isn't guarded.
app.all('*', asMiddleware(gate.recordings))

const worker: ExportedHandler<Cloudflare.Env> = {
  fetch: app.fetch,
  /** Brings records back that the ledger couldn't take when they were made. */
  async scheduled(): Promise<void> {
    // Some hundred a minute; what more there is waits for the next run.
    for (let i = 0; i < 5; i++) if ((await platform.ledger.replay()) === 0) return
  },
}
export default worker
