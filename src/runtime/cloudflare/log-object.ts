import { DurableObject } from 'cloudflare:workers'
import type { KeepLimits } from '../../archive/keep-options.ts'
import { StorageFault } from '../../base/storage-fault.ts'
import { withDefaults } from '../../config/option.ts'
import { OPTIONS } from '../../config/table.ts'
import type { CountQuery, LedgerEntry, RecordCount } from '../../ledger/ledger.ts'
import { Arrivals } from '../../ledger/query/arrivals.ts'
import type { TablePage, TableQuery } from '../../ledger/query/table-page.ts'
import type { AskedQuery } from '../../ledger/query/terms.ts'
import type { SinkReplay, SinkReplayed, SinkStatus, SinkTest } from '../../sinks/control.ts'
import type { FindingControl } from '../../watch/finding-control.ts'
import { answerCall, type FindingCall } from '../../watch/findings/calls.ts'
import { type WatchOptions, watchWith } from '../../watch/in-force.ts'
import type { Watching } from '../../watch/watching.ts'
import { EventLog } from '../sqlite/event-log.ts'
import { EventTable } from '../sqlite/event-table.ts'
import type { SqlStorage } from '../sqlite/sql.ts'
import { createSqlFindings } from '../sqlite/watch/findings.ts'
import { Alarm } from './alarm.ts'
import { LogArchive } from './archive/log-archive.ts'
import type { Bucket, DurableState, LedgerNamespace } from './bindings.ts'
import { storageOf } from './durable-storage.ts'
import { InboxPuller } from './inbox-puller.ts'
import { LogSinks } from './log-sinks.ts'
import { readLogVariables } from './log-variables.ts'

/** The log: one Durable Object, which pulls entries out of the inboxes and gives each its index. */
export class LogObject extends DurableObject {
  /** Returns the rules that look at records. The runtime creates the object, and hands over none. */
  static watching(options: WatchOptions): Watching | undefined {
    return watchWith(options)
  }

  readonly #storage: SqlStorage
  readonly #log: EventLog
  readonly #puller: InboxPuller
  readonly #arrivals = new Arrivals()
  readonly #alarm: Alarm
  readonly #sinks: LogSinks
  readonly #findings: FindingControl | undefined
  readonly #archive: LogArchive

  constructor(state: DurableState, env: unknown) {
    super(state as never, env as never)
    this.#storage = storageOf(state)
    const inboxes = (env as { readonly LEDGER: LedgerNamespace }).LEDGER
    const events = new EventTable(this.#storage.sql)
    const { keep = {}, dryRun = [] } = readLogVariables(env)
    this.#log = new EventLog(this.#storage.sql, events, new.target.watching({ dryRun }))
    this.#alarm = new Alarm(state)
    const { AUDIT } = env as { readonly AUDIT: Bucket }
    const { keep: limits } = withDefaults(OPTIONS, { keep }) as { readonly keep: KeepLimits }
    this.#archive = new LogArchive(AUDIT, limits, this.#storage, events, this.#alarm)
    const log = { size: events.size, read: (query: TableQuery) => this.#archive.log.read(query) }
    this.#findings = this.#createFindings()
    this.#sinks = new LogSinks(env, this.#storage, { ...log, findings: this.#findings }, this.#alarm)
    this.#puller = new InboxPuller({
      inbox: id => inboxes.get(inboxes.idFromString(id)),
      store: entries => this.#store(entries),
      now: Date.now,
    })
  }

  /** Pulls until the inboxes are empty. Called by an inbox that holds something, with its own id. */
  pull(inbox: string): Promise<void> {
    return this.#puller.pull(inbox)
  }

  /**
   * Reads entries, among them all that the inboxes held before the call.
   *
   * @param inboxes ids of the inboxes
   */
  async read(query: TableQuery, inboxes: readonly string[]): Promise<TablePage> {
    await this.#puller.catchUp(inboxes)
    return this.#archive.log.read(query)
  }

  /** Counts records, as `Ledger.count` does. */
  count(query: CountQuery): readonly RecordCount[] {
    return this.#log.events.count(query)
  }

  /** Returns the deliveries that are held, as `Ledger.held` does. */
  held(query: AskedQuery): readonly LedgerEntry[] {
    return this.#log.held(query)
  }

  /** Returns how far the archive is, as `Ledger.archiveLag` does. */
  archiveLag(): Promise<number> {
    return this.#archive.lag()
  }

  /** Resolves when something is stored after a cursor, or after so many milliseconds. */
  waitAfter(cursor: number, milliseconds: number): Promise<void> {
    return this.#arrivals.wait(() => this.#log.events.end > cursor, milliseconds)
  }

  /** Gives an index to the deliveries of views that are due, escalates findings, and has sinks and archive go on. */
  async alarm(): Promise<void> {
    this.#alarm.wentOff()
    this.#settle(() => this.#log.settle(Date.now()))
    await Promise.all([this.#sinks.alarm(), this.#archive.alarm()])
  }

  #store(entries: readonly LedgerEntry[]): void {
    this.#settle(() => this.#log.append(entries, Date.now()))
  }

  #settle(work: () => void): void {
    const { end } = this.#log.events
    this.#change(work)
    // A reader's round often finds nothing. If it woke the others, their rounds would wake it.
    if (this.#log.events.end > end) this.#announce()
    this.#alarm.set(this.#log.due(Date.now()))
  }

  #announce(): void {
    this.#arrivals.announce()
    this.#sinks.wake()
    this.#archive.wake()
  }

  /** Does some work in a transaction. */
  #change<Result>(work: () => Result): Result {
    try {
      return this.#storage.transaction(work)
    } catch (error) {
      this.#log.watch?.forget()
      throw error
    }
  }

  /** Answers a call of `FindingControl`. */
  findings(call: FindingCall): Promise<unknown> {
    if (this.#findings === undefined) throw new StorageFault('the log has no rules')
    return answerCall(this.#findings, call)
  }

  #createFindings(): FindingControl | undefined {
    const { watch } = this.#log
    if (watch === undefined) return undefined
    return createSqlFindings({
      watch,
      write: async <Result>(work: () => Result) => this.#change(work),
      now: Date.now,
      announce: () => {
        this.#announce()
        this.#alarm.set(this.#log.due(Date.now()))
      },
    })
  }

  /** Lists the sinks, as `SinkControl.list` does. */
  listSinks(): Promise<readonly SinkStatus[]> {
    return this.#sinks.sinks.list()
  }

  /** Tests a sink, as `SinkControl.test` does. */
  testSink(name: string): Promise<SinkTest | undefined> {
    return this.#sinks.sinks.test(name)
  }

  /** Has a sink go back, as `SinkControl.replay` does. */
  replaySink(name: string, replay: SinkReplay): Promise<SinkReplayed | undefined> {
    return this.#sinks.sinks.replay(name, replay)
  }
}
