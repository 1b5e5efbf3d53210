import { join } from 'node:path'
// Those of Deno itself have no `unref` in 2.5.
import { clearInterval, setInterval } from 'node:timers'
import type { AlertEntry } from '../../alerts/alert.ts'
import type { KeepLimits, KeepOptions } from '../../archive/keep-options.ts'
import { logFault, NOT_SHOWN } from '../../base/storage-fault.ts'
import { checkTable } from '../../config/check-options.ts'
import { withDefaults } from '../../config/option.ts'
import { ConfigurationError, type MediawardOptions } from '../../config/options.ts'
import { KEEP, OPTIONS } from '../../config/table.ts'
import type { Ledger } from '../../ledger/ledger.ts'
import { type SpooledLedger, withSpool } from '../../ledger/spool.ts'
import { ProcessMetrics } from '../../metrics/process-metrics.ts'
import type { SinkEntry } from '../../sinks/sink.ts'
import type { RespondedRule } from '../../watch/findings/clear.ts'
import { watchWith } from '../../watch/in-force.ts'
import { createArchiveFolder } from '../folder/archive-folder.ts'
import { createFolderStore } from '../folder/folder-store.ts'
import { createPostgresControl } from '../postgres/control/postgres-control.ts'
import type { DatabaseOptions } from '../postgres/options.ts'
import { createPostgresLedger } from '../postgres/postgres-ledger.ts'
import { createArchiveBucket } from '../s3/archive-bucket.ts'
import { createS3Store, type S3Options } from '../s3/store.ts'
import { createSqliteControl } from '../sqlite/control/sqlite-control.ts'
import { createSqliteLedger, type SqliteLedger } from '../sqlite/sqlite-ledger.ts'
import { createSqliteSpool } from '../sqlite/sqlite-spool.ts'
import { lockDataFolder } from './data-folder.ts'
import { FleetSinks } from './fleet-sinks.ts'
import { createInspection } from './inspect.ts'
import { archiveAsLog, startArchive, startSinks } from './local-sinks.ts'
import { checkFleet, checkLocal } from './local-variables.ts'
import { networkOf } from './network.ts'

/** How often records come back from the spool, in milliseconds. */
const REPLAY_EVERY = 60_000

/** How often it is looked which deliveries are due, in milliseconds. */
const SETTLE_EVERY = 10_000

/** What one machine keeps for the gate, and where. */
export interface LocalOptions {
  /**
   * A folder of this process alone, on a local disk: the ledger and the recordings, unless they are elsewhere, and records
   * that wait for the ledger. Required, unless `database.allowNoSpool` is true.
   */
  readonly data?: string
  /** The recordings are in this S3-compatible store instead of `data`. */
  readonly s3?: S3Options
  /** The ledger is in this PostgreSQL database instead of `data`, for all machines of a fleet. Needs `s3`. */
  readonly database?: DatabaseOptions
  /**
   * The header in which the proxy in front says where a request came from, such as `X-Real-IP`. Without a proxy that
   * sets it, any client could write any address into the log. Default: the address of the connection.
   */
  readonly addressHeader?: string
  /** The systems that records are sent to (docs/sinks.md). */
  readonly sinks?: readonly SinkEntry[]
  /** The systems that are alerted of findings (docs/watching.md). */
  readonly alerts?: readonly AlertEntry[]
  /** The rules to whose findings the gate responds by itself (docs/watching.md). */
  readonly respond?: readonly RespondedRule[]
  /** The rules that only try what they would find (docs/watching.md). */
  readonly dryRun?: readonly string[]
  /** How long records are kept (docs/archive.md). */
  readonly keep?: KeepOptions
  /** The gate's own address, by which its records and alerts name it in those systems. */
  readonly publicUrl?: string | undefined
}

/** The options that follow from running on one machine. Its ledger has a spool if it has a data folder. */
export interface Local<Log extends Ledger = SpooledLedger>
  extends Required<Pick<MediawardOptions, 'store' | 'network' | 'inspect' | 'metrics' | 'control'>>,
    Pick<MediawardOptions, 'sinkControl' | 'findingControl' | 'rules'> {
  readonly ledger: Log
  /** Writes what waits and gives the folder back; once. A gate that is made with it calls it at its own `close()`. */
  close(): void
}

/**
 * Store, ledger and network facts on one machine, for Deno and Node alike:
 * `const gate = mediaward({ …, ...local({ data: '/var/lib/mediaward' }) })`, and `await gate.close()` at the end.
 *
 * @throws ConfigurationError if another process has the folder, or it can't be used
 */
export function local(options: LocalOptions & { readonly data: string }): Local
export function local(options: LocalOptions): Local<Ledger>
export function local(options: LocalOptions): Local<Ledger> {
  checkLocal(options)
  const { data, s3, addressHeader, sinks = [], alerts, respond, dryRun, keep } = options
  const checked = { sinks, alerts, respond, dryRun, keep }
  checkTable(OPTIONS, checked, ['sinks', 'alerts', 'respond', 'dryRun', ...KEEP])
  checkFleet(options)
  const held = new Held()
  if (data !== undefined) held.add(lockDataFolder(data))
  try {
    return {
      store: s3 === undefined ? createFolderStore(join(data ?? '', 'recordings')) : createS3Store(s3),
      ...openLedger(options, held),
      network: networkOf(addressHeader),
      rules: { dryRun: dryRun ?? [], respond: respond ?? [] },
      inspect: createInspection(data),
      metrics: new ProcessMetrics(),
      close: () => held.release(),
    }
  } catch (error) {
    held.release()
    if (error instanceof ConfigurationError) throw error
    throw new ConfigurationError([
      `DATA_DIR (${data}) can't be used: ${error instanceof Error ? error.message : 'unknown error'}`,
    ])
  }
}

type Opened = Pick<Local<Ledger>, 'ledger' | 'sinkControl' | 'control' | 'findingControl'>

/** Opens the ledger, with a spool in the folder. Without a folder there is none: then what the database doesn't take is refused. */
function openLedger(options: LocalOptions, held: Held): Opened {
  const { data = '', database, sinks, alerts, respond, publicUrl, dryRun = [] } = options
  const entries = { sinks, alerts, respond }
  const hasReceivers = [sinks, alerts, respond].some(all => all !== undefined && all.length > 0)
  const watching = watchWith({ dryRun })
  if (database !== undefined) {
    const { limits, bucket } = keepingOf(options)
    const log = createPostgresLedger(database, bucket && { archive: bucket, limits }, Date.now, watching)
    held.add(() => log.close())
    const control = createPostgresControl(database, Date.now)
    held.add(() => control.close())
    if (log.archiver !== undefined) log.assign(archiveAsLog(log.archiver))
    const of = { ledger: log, states: log.states, data, publicUrl, control, findings: log.findings }
    const start = () => startSinks(entries, of)
    const sinkControl = new FleetSinks(start, call => log.call(call))
    if (hasReceivers) log.assign(sinkControl)
    return {
      ledger: data === '' ? log : spooled(log, data, held),
      ...{ control, findingControl: log.findings },
      ...(hasReceivers && { sinkControl }),
    }
  }
  // In a file of its own: a disk that has no room for the log any more may still have it for a lockdown.
  const control = createSqliteControl(join(data, 'control.sqlite'), Date.now)
  held.add(() => control.close())
  const { limits, bucket: archive = createArchiveFolder(data) } = keepingOf(options)
  const log = createSqliteLedger(join(data, 'ledger.sqlite'), Date.now, { archive, limits }, watching)
  held.add(() => log.close())
  held.add(startSettling(log))
  const of = { ledger: log, states: log.states, data, publicUrl, control, findings: log.findings }
  const receivers = startSinks(entries, of)
  held.add(() => receivers.close())
  const archiving = log.archiver && startArchive(log.archiver)
  held.add(() => archiving?.close())
  log.subscribe(() => {
    void archiving?.wake()
    if (hasReceivers) void receivers.wake()
  })
  return {
    ledger: spooled(log, data, held),
    sinkControl: receivers,
    control,
    findingControl: log.findings,
  }
}

/** Returns how long records are kept, and the bucket of the archive if there is one. */
function keepingOf({ s3, keep = {} }: LocalOptions) {
  const { keep: limits } = withDefaults(OPTIONS, { keep }) as { readonly keep: KeepLimits }
  const bucket = s3?.auditBucket
  return { limits, bucket: s3 && bucket ? createArchiveBucket({ ...s3, bucket }) : undefined }
}

/** Puts a spool in a folder behind a ledger. */
function spooled(log: Ledger, data: string, held: Held): SpooledLedger {
  const spool = createSqliteSpool(join(data, 'overflow.sqlite'))
  held.add(() => spool.close())
  const ledger = withSpool(log, spool)
  held.add(startReplays(ledger))
  return ledger
}

/** What is open, in the order of opening. */
class Held {
  readonly #closers: (() => void)[] = []

  add(close: () => void): void {
    this.#closers.push(close)
  }

  /** Closes all of it, the last first, even if closing one fails. */
  release(): void {
    const close = this.#closers.pop()
    if (close === undefined) return
    try {
      close()
    } finally {
      this.release()
    }
  }
}

/** Brings records back now, and then once a minute. Returns a function that ends it. */
function startReplays(ledger: SpooledLedger): () => void {
  let isClosed = false
  const replay = () =>
    void ledger.replay().catch((error: unknown) => {
      // A replay that the end of the process cuts short is taken up at the next start.
      if (!isClosed) logFault("records wait in the spool, and can't be brought back", error, NOT_SHOWN)
    })
  const timer = setInterval(replay, REPLAY_EVERY)
  // A timer is no reason for a process to stay.
  timer.unref()
  replay()
  return () => {
    isClosed = true
    clearInterval(timer)
  }
}

/** Gives deliveries their indexes and escalates findings when they are due. Returns a function that ends it. */
function startSettling(ledger: SqliteLedger): () => void {
  const failed = (error: unknown) => logFault('deliveries are not put together', error, 'SQLite failed')
  const timer = setInterval(() => void ledger.settle().catch(failed), SETTLE_EVERY)
  timer.unref()
  return () => clearInterval(timer)
}
