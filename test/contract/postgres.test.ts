import { afterAll, afterEach, beforeAll } from 'vitest'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { createPostgresLedger, type PostgresLedger } from '../../src/runtime/postgres/postgres-ledger.ts'
import { createPostgresServer, type PostgresServer } from '../support/postgres-server.ts'
import { ledgerContract } from './ledger.ts'

let server: PostgresServer
const open: Promise<PostgresLedger>[] = []

beforeAll(async () => {
  server = await createPostgresServer('npm')
}, 60_000)
afterEach(async () => {
  for (const ledger of open.splice(0)) (await ledger).close()
})
afterAll(() => server?.remove())

/** Creates a ledger in a database of its own. */
function createLedger(): Ledger {
  const ledger = server.createDatabase().then(url => createPostgresLedger({ url }))
  open.push(ledger)
  return {
    append: async entries => (await ledger).append(entries),
    read: async query => (await ledger).read(query),
  }
}

ledgerContract('PostgreSQL', createLedger)
