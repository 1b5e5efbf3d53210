import { logToOperator } from '../../base/operator.ts'
import { ConfigurationError } from '../../config/options.ts'
import { readVariables, type VariableOptions } from '../../config/variables.ts'
import type { SinkEntry } from '../../sinks/sink.ts'
import type { RuleSettings } from '../../watch/in-force.ts'

/**
 * Makes sure that sinks can be served on Workers.
 *
 * @throws ConfigurationError
 */
export function requireWorkersSinks(sinks: readonly SinkEntry[] = []): void {
  const mistakes = sinks.flatMap(({ type, url }, i) => {
    if (type === 'syslog')
      return `SINKS[${i}] is syslog, which needs Node or Deno: on Workers take another type`
    if (type !== 'files' || url === undefined) return []
    return `SINKS[${i}] has a url, and files go to the bucket AUDIT on Workers: take the url away`
  })
  if (mistakes.length > 0) throw new ConfigurationError(mistakes)
}

/** The variables that the object of the log reads itself. */
export type LogVariables = Partial<
  Pick<
    VariableOptions,
    'sinks' | 'alerts' | 'respond' | 'dryRun' | 'publicUrl' | 'keep' | 'ledgerJurisdiction'
  >
>

/** Reads the variables of the object, which are those of the worker. */
export function readLogVariables(env: unknown): LogVariables {
  return readOr(env, why => {
    // The worker itself doesn't start then, unless an app has set the gate's options in its code.
    logToOperator(`the log sends no records, and keeps them for the default time: ${why}`)
  })
}

/** Returns how the log has its rules set. */
export function rulesIn(env: unknown): RuleSettings {
  // Of what can't be read, the log itself says why.
  const { dryRun = [], respond = [] } = readOr(env, () => {})
  return { dryRun, respond }
}

function readOr(env: unknown, complain: (why: string) => void): LogVariables {
  try {
    const options = readVariables(env as Readonly<Record<string, unknown>>)
    requireWorkersSinks(options.sinks)
    return options
  } catch (error) {
    complain(
      error instanceof ConfigurationError ? error.mistakes.join('; ') : 'its variables can not be read',
    )
    return {}
  }
}
