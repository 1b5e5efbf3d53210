import process from 'node:process'
import { createPostgresLedger, type PostgresLedger } from 'mediaward/local'
import postgres from 'postgres'
import { afterEach } from 'vitest'
import type { Ledger } from '../../src/ledger/ledger.ts'
import {
  createPostgresControl,
  type PostgresControl,
} from '../../src/runtime/postgres/control/postgres-control.ts'
import { controlContract } from '../contract/control.ts'
import { ledgerContract } from '../contract/ledger.ts'
import { laterLedger } from '../support/later-ledger.ts'

// The contracts of the ledger and of the restrictions on PostgreSQL under `deno test`, if there is a server for the tests.

const server = process.env.MEDIAWARD_TEST_POSTGRES
const open: (Promise<PostgresLedger> | PostgresControl)[] = []
let databases = 0

/** Creates an empty database. Resolves to its URL. */
async function createDatabase(url: string): Promise<string> {
  const name = `deno_${++databases}`
  const sql = postgres(url, { max: 1, onnotice() {} })
  await sql.unsafe(`CREATE DATABASE ${name}`)
  await sql.end()
  const own = new URL(url)
  own.pathname = name
  return own.href
}

function createLedger(url: string): Ledger {
  const ledger = createDatabase(url).then(href => createPostgresLedger({ url: href }))
  open.push(ledger)
  return laterLedger(ledger)
}

if (server !== undefined) {
  afterEach(async () => {
    for (const one of open.splice(0)) (await one).close()
    // A socket is gone one turn after it was closed.
    await new Promise(resolve => setTimeout(resolve))
  })
  ledgerContract('PostgreSQL', () => createLedger(server))
  controlContract(
    'PostgreSQL',
    async work => {
      const url = await createDatabase(server)
      let time = Date.UTC(2026, 10, 27)
      const create = () => {
        const control = createPostgresControl({ url }, () => time)
        open.push(control)
        return control
      }
      const pass = (milliseconds: number) => {
        time += milliseconds
      }
      await work({ open: create, restart: create, pass, now: () => time })
    },
    { many: 10_500, burst: 100, idle: 20 },
  )
}
