import process from 'node:process'
import postgres, { type Sql } from 'postgres'
import { StorageFault } from '../../base/storage-fault.ts'
import { withTimeout } from '../../base/timeout.ts'
import { faultOf, ServerFault } from './fault.ts'
import type { Database } from './options.ts'
import { prepareSchema } from './schema.ts'
import { openLine, type Wire } from './wire.ts'

/** A value that a statement is given. */
export type Value = string | number

/** How long the statements of a session may take, and how long it may be silent. In milliseconds. */
export interface SessionLimits {
  /** After so long without an answer the connection is given up. */
  readonly deadline: number
  /** After so long the server ends a statement. Default: as the deadline. */
  readonly longest?: number
  /** The server ends a connection on which nothing is asked for so long. Default: never. */
  readonly silence?: number
}

/** What a connection runs with, whatever the role's defaults are. */
const SETTINGS = {
  // Says which process is the log, to an operator who asks the database who holds the lock.
  application_name: `mediaward ${process.pid}`,
  search_path: 'pg_catalog',
  // Durable means on the server's disk, and on that of a synchronous standby if it has one.
  synchronous_commit: 'on',
  // A later statement of a transaction must see what was committed before it.
  default_transaction_isolation: 'read committed' as const,
  // The plan depends on how often a value occurs.
  plan_cache_mode: 'force_custom_plan',
}

interface Connection {
  readonly sql: Sql
  /** Resolves when the database has the tables of this version. */
  readonly ready: Promise<void>
  /** Rejects when the connection is lost. */
  readonly lost: Promise<never>
  destroy(): void
}

/**
 * One connection to PostgreSQL at a time, opened when a statement needs it. A connection that fails, or is late with an
 * answer, is given up with all that waits on it: a network that is cut says nothing. The next statement opens another.
 */
export class Session {
  readonly #database: Database
  readonly #limits: SessionLimits
  #connection: Connection | undefined
  #isClosed = false

  constructor(database: Database, limits: SessionLimits) {
    this.#database = database
    this.#limits = limits
  }

  /**
   * Runs a statement and returns its rows.
   *
   * @throws ServerFault if PostgreSQL refuses the statement; StorageFault if it can't be reached or takes too long
   */
  query<Row extends object>(statement: string, ...values: readonly Value[]): Promise<readonly Row[]> {
    return this.#run(sql => sql.unsafe<Row[]>(statement, [...values], { prepare: true }))
  }

  /**
   * Runs two or more statements in one transaction, and returns the rows of the last one. The server is sent all of them at
   * once, so a process that stops in between holds no lock.
   *
   * @throws as `query` does
   */
  async queryInOrder<Row extends object>(
    ...statements: readonly [string, string, ...string[]]
  ): Promise<readonly Row[]> {
    const results = await this.#run<readonly (readonly object[])[]>(sql => sql.unsafe(statements.join(';\n')))
    return results.at(-1) as readonly Row[]
  }

  /** Ends the connection, for good. */
  close(): void {
    this.#isClosed = true
    this.#connection?.destroy()
  }

  async #run<Result>(work: (sql: Sql) => PromiseLike<Result>): Promise<Result> {
    if (this.#isClosed) throw new StorageFault('the connection to PostgreSQL is closed')
    this.#connection ??= this.#open()
    const connection = this.#connection
    const { sql, ready, lost } = connection
    try {
      return await withTimeout(this.#limits.deadline, Promise.race([ready.then(() => work(sql)), lost]))
    } catch (error) {
      const fault = faultOf(error)
      if (!(fault instanceof ServerFault)) this.#lose(connection)
      throw fault
    }
  }

  #open(): Connection {
    const { tls: _, ...database } = this.#database
    const { deadline, longest = deadline, silence = 0 } = this.#limits
    const line = openLine(this.#database)
    let isTaken = false
    const options = {
      ...database,
      max: 1,
      // The driver would replace a lost connection unseen, and the lock that its session held would be gone.
      async socket(): Promise<Wire> {
        if (isTaken) throw new StorageFault('the connection to PostgreSQL was lost')
        isTaken = true
        return line.open
      },
      ssl: false,
      // The deadline is the session's, from the beginning on.
      connect_timeout: 0,
      max_lifetime: null,
      fetch_types: false,
      types: { bigint: { to: 20, from: [20], parse: Number, serialize: String } },
      onnotice() {},
      connection: {
        ...SETTINGS,
        statement_timeout: longest,
        idle_in_transaction_session_timeout: deadline,
        idle_session_timeout: silence,
      },
    }
    const sql = postgres(options)
    const connection = { sql, ready: prepareSchema(sql), lost: line.lost, destroy: () => line.destroy() }
    // The statements that wait for it are given the failure.
    for (const failure of [connection.ready, line.lost]) failure.catch(() => this.#lose(connection))
    return connection
  }

  #lose(connection: Connection): void {
    connection.destroy()
    if (this.#connection === connection) this.#connection = undefined
  }
}
