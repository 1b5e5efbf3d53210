import { env } from 'cloudflare:workers'
import { createApp } from '../../app.ts'
import { readVariables } from '../../config/variables.ts'
import { createGate } from '../../gate.ts'
import { cloudflare } from './cloudflare.ts'

export { LedgerObject } from './ledger-object.ts'

// Read when the worker starts: a mistake in the configuration keeps it from starting, so no patient meets it.
const { ledgerShards, ...options } = readVariables({ ...env })
const platform = cloudflare(env, ledgerShards)
const app = createApp(createGate({ ...options, ...platform }))

const worker: ExportedHandler<Cloudflare.Env> = {
  fetch: app.fetch,
  /** Brings records back that the ledger couldn't take when they were made. */
  async scheduled(): Promise<void> {
    // Some hundred a minute; what more there is waits for the next run.
    for (let i = 0; i < 5; i++) if ((await platform.ledger.replay()) === 0) return
  },
}
export default worker
