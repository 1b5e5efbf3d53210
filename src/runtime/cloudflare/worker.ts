import { env } from 'cloudflare:workers'
import { createApp } from '../../app.ts'
import { OPTIONS } from '../../config/table.ts'
import { warnOfUnknownVariables } from '../../config/unknown-variables.ts'
import { readVariables, variablesOf } from '../../config/variables.ts'
import { createGate } from '../../gate.ts'
import { cloudflare } from './cloudflare.ts'

export { LedgerObject } from './ledger-object.ts'

// Read when the worker starts: a mistake in the configuration keeps it from starting, so no patient meets it.
warnOfUnknownVariables(Object.keys(env), variablesOf(OPTIONS, { ...env }))
const { ledgerShards, ...options } = readVariables({ ...env })
const platform = cloudflare(env, ledgerShards)
const app = createApp(createGate({ ...options, ...platform, health: true }))

const worker: ExportedHandler<Cloudflare.Env> = {
  fetch: app.fetch,
  /** Brings records back that the ledger couldn't take when they were made. */
  scheduled: platform.replay,
}
export default worker
