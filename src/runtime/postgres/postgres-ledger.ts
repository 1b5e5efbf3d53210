import { type Ledger, parseCursor } from '../../ledger/ledger.ts'
import { ElectedLog } from './elected-log.ts'
import { EventReader } from './event-reader.ts'
import { InboxWriter } from './inbox-writer.ts'
import { LogEnd } from './log-end.ts'
import { type DatabaseOptions, databaseOf } from './options.ts'
import { Session } from './session.ts'

/** A ledger in a database. */
export interface PostgresLedger extends Ledger {
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

/**
 * Creates the ledger of a fleet in PostgreSQL 14 or newer. Each process that has one connects three times: to append, to
 * read, and to be the log if it is elected. Connections are opened when they are needed, so a database that is away keeps
 * no gate from starting.
 *
 * @throws ConfigurationError if the URL is wrong
 */
export function createPostgresLedger(options: DatabaseOptions): PostgresLedger {
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
  const log = new ElectedLog(ordering)
  return {
    append: entries => inbox.write(entries),
    read: query => reader.read(query),
    count: query => reader.count(query),
    held: query => reader.held(query),
    lag: () => reader.lag(),
    waitAfter: async (cursor, milliseconds) => end.wait(parseCursor(cursor) ?? 0, milliseconds),
    close() {
      log.close()
      for (const session of [writing, reading, ordering]) session.close()
    },
  }
}
