import { createApp } from '../../app.ts'
import { checkOptions } from '../../config/options.ts'
import { readVariables, type Variables } from '../../config/variables.ts'
import { createGate } from '../../gate.ts'
import { local } from './local.ts'
import { type LocalVariables, readLocalVariables } from './local-variables.ts'

/** A process that stays has nothing to keep work alive with; Hono throws if it is asked for a context that isn't there. */
const NO_CONTEXT = { waitUntil() {}, passThroughOnException() {}, props: {} }

/** A gate on one machine, ready to be served. */
export interface Started {
  /** Answers a request; `platform` is what the server hands over beside it. */
  fetch(request: Request, platform: unknown): Response | Promise<Response>
  readonly settings: LocalVariables
  /** Records what is left to record and gives the folder back. Call it when the last request is answered. */
  close(): Promise<void>
}

/**
 * Starts the gate that is deployed as it is, from its variables.
 *
 * @throws ConfigurationError before anything is touched
 */
export function start(variables: Variables): Started {
  const settings = readLocalVariables(variables)
  const { ledgerShards: _, ...options } = readVariables(variables)
  checkOptions(options)
  const platform = local(settings)
  const gate = createGate({ ...options, ...platform, health: true })
  const app = createApp(gate)
  return {
    fetch: (request, from) => app.fetch(request, from as object, NO_CONTEXT),
    settings,
    async close() {
      try {
        await gate.flush()
      } finally {
        platform.close()
      }
    },
  }
}
