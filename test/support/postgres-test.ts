import { afterAll, afterEach, beforeAll } from 'vitest'
import type { Keeping } from '../../src/archive/keep.ts'
import { databaseOf } from '../../src/runtime/postgres/options.ts'
import { createPostgresLedger, type PostgresLedger } from '../../src/runtime/postgres/postgres-ledger.ts'
import { Session } from '../../src/runtime/postgres/session.ts'
import type { Watching } from '../../src/watch/watching.ts'
import { createPostgresServer, type PostgresServer } from './postgres-server.ts'

let running: PostgresServer | undefined
const open: { close(): void }[] = []

/** Has the tests of a file share a server, and closes after each test what it has opened. */
export function usePostgres(): void {
  beforeAll(async () => {
    running = await createPostgresServer('npm')
  }, 60_000)
  afterEach(() => {
    for (const one of open.splice(0)) one.close()
  })
  afterAll(() => running?.remove())
}

/** Creates an empty database. Resolves to its URL. */
export function createDatabase(): Promise<string> {
  if (running === undefined) throw new Error('there is no server before the first test')
  return running.createDatabase()
}

/** Runs statements in a database. */
export function runStatements(statements: string, url?: string): Promise<readonly Record<string, unknown>[]> {
  if (running === undefined) throw new Error('there is no server before the first test')
  return running.run(statements, url)
}

export const openLedger = (
  url: string,
  keeping?: Keeping,
  now?: () => number,
  watching?: Watching,
): PostgresLedger => keep(createPostgresLedger({ url }, keeping, now, watching))
export const openSession = (url: string): Session =>
  keep(new Session(databaseOf({ url }), { deadline: 10_000 }))

/** Closes something after the test. */
export function keep<One extends { close(): void }>(one: One): One {
  open.push(one)
  return one
}
