import type { Archiver } from '../../archive/archiver.ts'
import { type Keeping, keepLog } from '../../archive/keep.ts'
import { StorageFault } from '../../base/storage-fault.ts'
import type { FollowerStates } from '../../follow/states.ts'
import { type Ledger, parseCursor } from '../../ledger/ledger.ts'
import { pageOf, type TableQuery, tableQueryOf } from '../../ledger/query/table-page.ts'
import type { FindingControl } from '../../watch/finding-control.ts'
import type { Watching } from '../../watch/watching.ts'
import { createPostgresLiveLog } from './archive/live-log.ts'
import { PostgresManifest } from './archive/manifest.ts'
import { ElectedLog, type LogWork } from './elected-log.ts'
import { EventReader } from './event-reader.ts'
import { PostgresFollowerStates } from './follower-states.ts'
import { InboxWriter } from './inbox-writer.ts'
import { LogCalls } from './log-calls.ts'
import { LogEnd } from './log-end.ts'
import { type DatabaseOptions, databaseOf } from './options.ts'
import { Session } from './session.ts'
import { answeringFindings, createPostgresFindings } from './watch/findings.ts'
import { PostgresWatch } from './watch/postgres-watch.ts'
import { WatchStore } from './watch/watch-store.ts'

/** A ledger in a database. */
export interface PostgresLedger extends Ledger {
  /** What the followers of the log remember. Only the process that is the log can store it. */
  readonly states: FollowerStates
  /** Archives and prunes the records, if the ledger was created so. For the process that is the log. */
  readonly archiver: Archiver | undefined
  /** What the rules found, if the ledger was created with rules. */
  readonly findings: FindingControl | undefined
  /** Has some work done while this process is the log. */
  assign(work: LogWork): void
  /** Calls the work of the process that is the log, and resolves to its answer. */
  call(call: unknown): Promise<unknown>
  /** Ends its connections. Nothing can be appended or read after it. */
  close(): void
}

/** How long the inbox may take for entries, in milliseconds. The callers wait for two seconds, a replay for ten. */
const WRITE_DEADLINE = 5_000
const READ_DEADLINE = 10_000
/** How long the log may take for a round, in milliseconds. By then it no longer counts on its lock. */
const ROUND_DEADLINE = 5_000
/** The server goes on with a round that is given up, so that a slow one is not begun again and again. In milliseconds. */
const LONGEST_ROUND = 60_000
/** After so many milliseconds of silence the server gives the lock to another process: within 10 s, with its next asking. */
const LOG_SILENCE = 7_000

/** Has nothing. Another machine may archive all the same, and then a reader here must not miss what was pruned. */
const WITHOUT: Keeping = {
  archive: { create: notHere, read: notHere, remove: notHere },
  limits: {
    days: Number.POSITIVE_INFINITY,
    records: Number.POSITIVE_INFINITY,
    years: Number.POSITIVE_INFINITY,
  },
}

async function notHere(): Promise<never> {
  throw new StorageFault('the archive is in a bucket, and S3_AUDIT_BUCKET of this machine does not name it')
}

/**
 * Creates the ledger of a fleet in PostgreSQL 14 or newer. Each process that has one connects three times: to append, to
 * read, and to be the log if it is elected. Connections are opened when they are needed, so a database that is away keeps
 * no gate from starting.
 *
 * @param keeping without it, all records stay in the database
 * @param now the clock of the archive and of findings, in milliseconds since 1970
 * @param watching the rules in force. Without it, no record is watched
 * @throws ConfigurationError if the URL is wrong
 */
export function createPostgresLedger(
  options: DatabaseOptions,
  keeping?: Keeping,
  now: () => number = Date.now,
  watching?: Watching,
): PostgresLedger {
  const database = databaseOf(options)
  const writing = new Session(database, { deadline: WRITE_DEADLINE })
  const reading = new Session(database, { deadline: READ_DEADLINE })
  const ordering = new Session(database, {
    deadline: ROUND_DEADLINE,
    longest: LONGEST_ROUND,
    silence: LOG_SILENCE,
  })
  const inbox = new InboxWriter(writing)
  const reader = new EventReader(reading)
  const end = new LogEnd(reading)
  const log = new ElectedLog(ordering, new LogCalls(ordering))
  const calls = new LogCalls(reading)
  const findings = watching && watchAsLog(log, { reading, ordering, watching, now }, one => calls.call(one))
  const read = (query: TableQuery) => reader.read(query)
  const live = createPostgresLiveLog({ reading, ordering, read })
  const { log: kept, archiver } = keepLog(
    live,
    new PostgresManifest(reading, ordering),
    keeping ?? WITHOUT,
    now,
  )
  return {
    append: entries => inbox.write(entries),
    async read(query) {
      const asked = tableQueryOf(query)
      await reader.catchUp()
      return pageOf(await kept.read(asked))
    },
    count: query => reader.count(query),
    held: query => reader.held(query),
    lag: () => reader.lag(),
    waitAfter: async (cursor, milliseconds) => end.wait(parseCursor(cursor) ?? 0, milliseconds),
    states: new PostgresFollowerStates(ordering),
    archiver: keeping && archiver,
    ...(keeping && { archiveLag: () => archiver.lag() }),
    findings,
    assign: work => log.assign(work),
    call: one => calls.call(one),
    close() {
      archiver.close()
      log.close()
      for (const session of [writing, reading, ordering]) session.close()
    },
  }
}

/** What the rules of a fleet run with. */
interface Watched {
  readonly reading: Session
  readonly ordering: Session
  readonly watching: Watching
  readonly now: () => number
}

/** Has the rules run while this process is the log. */
function watchAsLog(
  log: ElectedLog,
  { reading, ordering, watching, now }: Watched,
  call: (call: unknown) => Promise<unknown>,
): FindingControl {
  const store = new WatchStore(reading, ordering)
  const watch = new PostgresWatch({ store, ordering, watching, now })
  const findings = createPostgresFindings({ store, watch, call, now })
  log.assign({
    begin: () => watch.begin(),
    wake: () => watch.wake(),
    end: () => watch.end(),
    ...answeringFindings(findings),
  })
  return findings
}
