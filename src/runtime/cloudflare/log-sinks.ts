import { logToOperator } from '../../base/operator.ts'
import { ConfigurationError } from '../../config/options.ts'
import { readVariables, type VariableOptions } from '../../config/variables.ts'
import { followLedger } from '../../follow/followed-log.ts'
import { WakeTimer } from '../../follow/wake-timer.ts'
import { createFilesTarget } from '../../sinks/files.ts'
import { deploymentAt } from '../../sinks/receiver.ts'
import type { SinkEntry } from '../../sinks/sink.ts'
import { Sinks } from '../../sinks/sinks.ts'
import { type EventTable, pageOf } from '../sqlite/event-table.ts'
import { SqlFollowerStates } from '../sqlite/follower-states.ts'
import type { SqlStorage } from '../sqlite/sql.ts'
import type { Alarm } from './alarm.ts'
import type { Bucket } from './bindings.ts'
import { r2Failed } from './r2-failure.ts'

/** After so long, in milliseconds, an alarm looks whether the object was evicted while a sink was at work. */
const ALARM = 60_000
/** An alarm waits so long for the sinks, in milliseconds, before it lets another one go on. */
const PATIENCE = 50_000
/** Below this time, in milliseconds, a timer wakes the sinks, since an alarm is a row written. */
const SHORT = 10_000

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

/** The sinks of the log, in the object that is the log. An alarm wakes it while a sink is at work or waits for a retry. */
export class LogSinks {
  readonly sinks: Sinks
  readonly #isEmpty: boolean
  readonly #alarm: Alarm
  readonly #timer: WakeTimer

  constructor(env: unknown, storage: SqlStorage, events: EventTable, alarm: Alarm) {
    const { sinks: entries = [], publicUrl } = readSinks(env as Readonly<Record<string, unknown>>)
    const { AUDIT } = env as { readonly AUDIT: Bucket }
    const now = () => Date.now()
    this.#alarm = alarm
    this.#isEmpty = entries.length === 0
    this.#timer = new WakeTimer(
      (wake, milliseconds) => setTimeout(wake, milliseconds),
      () => void this.sinks.wake(),
    )
    const files = {
      async put(name: string, content: string) {
        const httpMetadata = { contentType: 'application/x-ndjson' }
        await AUDIT.put(name, content, { httpMetadata, onlyIf: { etagDoesNotMatch: '*' } }).catch(r2Failed)
      },
    }
    this.sinks = new Sinks(entries, {
      log: followLedger({
        read: async ({ after, ...query }) =>
          pageOf(events.read({ ...query, ...(after !== undefined && { after: Number(after) }) })),
      }),
      states: new SqlFollowerStates({ ...storage, write: async work => storage.transaction(work) }),
      clock: { now, wakeAt: time => this.#wakeAt(time) },
      platform: {
        deployment: deploymentAt(publicUrl, 'Cloudflare'),
        fetchFor: () => (url, request) => fetch(url, { ...request, redirect: 'manual' }),
        now,
        targets: { files: sink => createFilesTarget(sink, files) },
      },
      size: events.size,
    })
  }

  /** Has the sinks go on. To be called when something was stored. */
  wake(): void {
    if (this.#isEmpty) return
    this.#alarm.set(Date.now() + ALARM)
    void this.sinks.wake()
  }

  /** Resolves when no sink has anything to do, or after a while. */
  async alarm(): Promise<void> {
    let isLate = true
    const done = this.sinks.wake().then(() => {
      isLate = false
    })
    await Promise.race([done, new Promise(resolve => setTimeout(resolve, PATIENCE))])
    if (isLate) this.#alarm.set(Date.now() + SHORT)
  }

  #wakeAt(time: number): void {
    const now = Date.now()
    if (time < now + SHORT) this.#timer.set(time, now)
    this.#alarm.set(Math.max(time, now + SHORT))
  }
}

/** Reads the sinks from the variables of the object, which are those of the worker. */
function readSinks(env: Readonly<Record<string, unknown>>): Pick<VariableOptions, 'sinks' | 'publicUrl'> {
  try {
    const options = readVariables(env)
    requireWorkersSinks(options.sinks)
    return options
  } catch {
    // The worker itself doesn't start then, and names each mistake.
    logToOperator('SINKS is wrong, so no records are sent: the worker says why when it starts')
    return {}
  }
}
