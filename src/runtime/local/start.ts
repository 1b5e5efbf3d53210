import { createApp } from '../../app.ts'
import { checkOptions } from '../../config/check-options.ts'
import { OPTIONS } from '../../config/table.ts'
import { warnOfUnknownVariables } from '../../config/unknown-variables.ts'
import { readVariables, type Variables, variablesOf } from '../../config/variables.ts'
import { createGate } from '../../gate.ts'
import { local } from './local.ts'
import { LOCAL_OPTIONS, type LocalVariables, readLocalVariables } from './local-variables.ts'

/** A process that stays has nothing to keep work alive with; Hono throws if it is asked for a context that isn't there. */
const NO_CONTEXT = { waitUntil() {}, passThroughOnException() {}, props: {} }

/** The variables of the command line, which a process that it starts inherits. */
const OF_THE_COMMANDS = ['MEDIAWARD_DATA', 'MEDIAWARD_RUNTIME', 'MEDIAWARD_TOKEN']

/** Words in the variables that Kubernetes and Docker set for each service or container, which may be named as we are. */
const OF_A_SERVICE = /_(?:ENV|NAME|PORT|SERVICE)(?:_|$)/

/** A gate on one machine, ready to be served. */
export interface Started {
  /** Answers a request; `platform` is what the server hands over beside it. */
  fetch(request: Request, platform: unknown): Response | Promise<Response>
  readonly settings: LocalVariables
  /** Ends the answers that have no end. Call it before you wait for the last request to be answered. */
  endStreams(): void
  /** Records what is left to record and gives the folder back. Call it when the last request is answered. */
  close(): Promise<void>
}

/**
 * Starts the gate that is deployed as it is, from its variables.
 *
 * @throws ConfigurationError before anything is touched
 */
export function start(variables: Variables): Started {
  // Before anything is checked: a variable that is missing may be there under a misspelled name.
  const names = Object.keys(variables).filter(name => !OF_A_SERVICE.test(name))
  const known = variablesOf({ ...OPTIONS, ...LOCAL_OPTIONS }, variables)
  warnOfUnknownVariables(names, [...known, ...OF_THE_COMMANDS])
  const settings = readLocalVariables(variables)
  const { ledgerShards: _, sinks, alerts, respond, dryRun, keep, ...options } = readVariables(variables)
  checkOptions(options)
  const { publicUrl } = options
  const platform = local({
    ...settings,
    publicUrl,
    ...(sinks && { sinks }),
    ...(alerts && { alerts }),
    ...(respond && { respond }),
    ...(dryRun && { dryRun }),
    ...(keep && { keep }),
  })
  const gate = createGate({ ...options, ...platform, health: true })
  const app = createApp(gate)
  return {
    fetch: (request, from) => app.fetch(request, from as object, NO_CONTEXT),
    settings,
    endStreams: gate.endStreams,
    async close() {
      try {
        await gate.flush()
      } finally {
        platform.close()
      }
    },
  }
}
