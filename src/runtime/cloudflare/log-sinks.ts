import { followedAlert } from '../../alerts/receiver.ts'
import { followLedger } from '../../follow/followed-log.ts'
import { pageOf, type TablePage, type TableQuery, tableQueryOf } from '../../ledger/query/table-page.ts'
import { followedResponse } from '../../respond/receiver.ts'
import { createFilesTarget } from '../../sinks/files.ts'
import { deploymentAt, type FollowedSink, followedSink, type SinkPlatform } from '../../sinks/receiver.ts'
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
import { type LogVariables, readLogVariables } from './log-variables.ts'
import { r2Failed } from './r2/r2-failure.ts'

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
      ...alerts.map(entry => followedAlert(entry, { ...platform, titleOf, publicUrl })),
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
