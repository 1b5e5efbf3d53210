import { env } from 'cloudflare:workers'
import type { Hono } from 'hono'
import { createApp } from '../../app.ts'
import { logToOperator } from '../../base/operator.ts'
import { ConfigurationError } from '../../config/options.ts'
import { OPTIONS } from '../../config/table.ts'
import { warnOfUnknownVariables } from '../../config/unknown-variables.ts'
import { readVariables, variablesOf } from '../../config/variables.ts'
import { createGate } from '../../gate.ts'
import { responseHeaders } from '../../http/response-headers.ts'
import { type CloudflareOptions, cloudflare } from './cloudflare.ts'
import { requireWorkersSinks } from './log-variables.ts'

export { ControlObject } from './control/control-object.ts'
export { LedgerObject } from './ledger-object.ts'
export { LogObject } from './log-object.ts'

type Worker = Pick<Hono, 'fetch'> & { scheduled(): Promise<void> }

const worker: Worker = start() satisfies ExportedHandler<Cloudflare.Env>
export default worker

/**
 * Reads the configuration when the worker starts, so that no patient meets a mistake in it. One in a variable is thrown:
 * Cloudflare refuses to deploy a worker that throws then. One in a binding keeps the gate from starting too, but the
 * worker itself answers for it: only variables are known to be there while Cloudflare checks a new version.
 */
function start(): Worker {
  warnOfUnknownVariables(Object.keys(env), variablesOf(OPTIONS, { ...env }))
  const {
    ledgerShards,
    ledgerJurisdiction,
    sinks,
    alerts: _,
    respond: __,
    dryRun: ___,
    keep: ____,
    ...options
  } = readVariables({ ...env })
  requireWorkersSinks(sinks)
  let platform: CloudflareOptions
  try {
    platform = cloudflare(env, ledgerShards, ledgerJurisdiction)
  } catch (error) {
    if (error instanceof ConfigurationError) return unavailable(error)
    throw error
  }
  const app = createApp(createGate({ ...options, ...platform, health: true }))
  // Brings records back that the ledger couldn't take when they were made.
  return { fetch: app.fetch, scheduled: platform.replay }
}

/** Answers every request with 503, and says why to the operator alone. No ledger could record it. */
function unavailable(error: ConfigurationError): Worker {
  let isLogged = false
  return {
    async fetch() {
      // Not before the first request: Cloudflare keeps no log of what a worker writes when it starts.
      if (!isLogged) for (const mistake of error.mistakes) logToOperator(`can't start: ${mistake}`)
      isLogged = true
      return new Response(null, { status: 503, headers: responseHeaders({ 'Retry-After': '60' }) })
    },
    async scheduled() {
      throw error
    },
  }
}
