import { followedAlert } from '../../alerts/receiver.ts'
import { logToOperator } from '../../base/operator.ts'
import { ConfigurationError } from '../../config/options.ts'
import { readVariables, type VariableOptions } from '../../config/variables.ts'
import { followLedger } from '../../follow/followed-log.ts'
import { pageOf, type TablePage, type TableQuery, tableQueryOf } from '../../ledger/query/table-page.ts'
import { followedResponse } from '../../respond/receiver.ts'
import { createFilesTarget } from '../../sinks/files.ts'
import { deploymentAt, type FollowedSink, followedSink, type SinkPlatform } from '../../sinks/receiver.ts'
import type { SinkEntry } from '../../sinks/sink.ts'
import { Sinks } from '../../sinks/sinks.ts'
import type { FindingControl } from '../../watch/finding-control.ts'
import { titleOf } from '../../watch/in-force.ts'
import { SqlFollowerStates } from '../sqlite/follower-states.ts'
import type { SqlStorage } from '../sqlite/sql.ts'
import type { Alarm } from './alarm.ts'
import type { Bucket } from './bindings.ts'
import { type CloudflareBindings, namespaceIn } from './cloudflare.ts'
import { createCloudflareControl } from './control/cloudflare-control.ts'
import { FollowerAlarm } from './follower-alarm.ts'
import { r2Failed } from './r2/r2-failure.ts'

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

/** The log as its sinks read it: the table alone, or the archive too. */
export interface ReadableLog {
  readonly size: number
  /** What its rules found. Absent if there are none. */
  readonly findings?: FindingControl | undefined
  read(query: TableQuery): TablePage | Promise<TablePage>
}

/** The sinks of the log, and what responds to findings, in the object that is the log. An alarm wakes it while a sink is at work or waits for a retry. */
export class LogSinks {
  readonly sinks: Sinks
  readonly #isEmpty: boolean
  readonly #clock: FollowerAlarm

  constructor(env: unknown, storage: SqlStorage, log: ReadableLog, alarm: Alarm) {
    const { sinks: entries = [], alerts = [], publicUrl, ...variables } = readLogVariables(env)
    const { AUDIT } = env as { readonly AUDIT: Bucket }
    this.#clock = new FollowerAlarm(alarm, () => this.sinks.wake())
    const clock = this.#clock
    const responses = responsesOf(env, variables, log.findings, clock.now)
    this.#isEmpty = entries.length + alerts.length + responses.length === 0
    const files = {
      async put(name: string, content: string) {
        const httpMetadata = { contentType: 'application/x-ndjson' }
        await AUDIT.put(name, content, { httpMetadata, onlyIf: { etagDoesNotMatch: '*' } }).catch(r2Failed)
      },
    }
    const platform: SinkPlatform = {
      deployment: deploymentAt(publicUrl, 'Cloudflare'),
      fetchFor: () => (url, request) => fetch(url, { ...request, redirect: 'manual' }),
      now: clock.now,
      targets: { files: sink => createFilesTarget(sink, files) },
    }
    const followed = [
      ...entries.map(entry => followedSink(entry, platform)),
      ...alerts.map(entry => followedAlert(entry, { ...platform, titleOf })),
      ...responses,
    ]
    this.sinks = new Sinks(followed, {
      log: followLedger({ read: async query => pageOf(await log.read(tableQueryOf(query))) }),
      states: new SqlFollowerStates({ ...storage, write: async work => storage.transaction(work) }),
      clock,
      size: log.size,
    })
  }

  /** Has the sinks go on. To be called when something was stored. */
  wake(): void {
    if (!this.#isEmpty) this.#clock.begin()
  }

  /** Resolves when no sink has anything to do, or after a while. */
  alarm(): Promise<void> {
    return this.#clock.wentOff()
  }
}

/** Returns what responds to findings, if the variables ask for it. It calls the object that has the restrictions. */
function responsesOf(
  env: unknown,
  { respond = [], ledgerJurisdiction }: LogVariables,
  findings: FindingControl | undefined,
  now: () => number,
): readonly FollowedSink[] {
  if (respond.length === 0 || findings === undefined) return []
  const { AUDIT, CONTROL } = env as Pick<CloudflareBindings, 'AUDIT' | 'CONTROL'>
  const control = createCloudflareControl(namespaceIn(CONTROL, ledgerJurisdiction), AUDIT)
  return [followedResponse(respond, { control, findings, now })]
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
  try {
    const options = readVariables(env as Readonly<Record<string, unknown>>)
    requireWorkersSinks(options.sinks)
    return options
  } catch (error) {
    // The worker itself doesn't start then, unless an app has set the gate's options in its code.
    const why =
      error instanceof ConfigurationError ? error.mistakes.join('; ') : 'its variables can not be read'
    logToOperator(`the log sends no records, and keeps them for the default time: ${why}`)
    return {}
  }
}
