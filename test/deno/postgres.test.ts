import process from 'node:process'
import { createPostgresLedger, type PostgresLedger } from 'mediaward/local'
import postgres from 'postgres'
import { afterEach } from 'vitest'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { ledgerContract } from '../contract/ledger.ts'
import { laterLedger } from '../support/later-ledger.ts'

// The contract of the ledger on PostgreSQL under `deno test`, if there is a server for the tests.

const server = process.env.MEDIAWARD_TEST_POSTGRES
const open: Promise<PostgresLedger>[] = []
let databases = 0

/** Creates a ledger in a database of its own. */
async function openLedger(url: string): Promise<PostgresLedger> {
  const name = `deno_${++databases}`
  const sql = postgres(url, { max: 1, onnotice() {} })
  await sql.unsafe(`CREATE DATABASE ${name}`)
  await sql.end()
  const own = new URL(url)
  own.pathname = name
  return createPostgresLedger({ url: own.href })
}

function createLedger(url: string): Ledger {
  const ledger = openLedger(url)
  open.push(ledger)
  return laterLedger(ledger)
}

if (server !== undefined) {
  afterEach(async () => {
    for (const ledger of open.splice(0)) (await ledger).close()
    // A socket is gone one turn after it was closed.
    await new Promise(resolve => setTimeout(resolve))
  })
  ledgerContract('PostgreSQL', () => createLedger(server))
}
