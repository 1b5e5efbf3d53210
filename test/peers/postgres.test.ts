import process from 'node:process'
import type { Sql } from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { agreeing, type OwnerLookup, stampedOwners } from '../../src/index.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { createPostgresLedger, type PostgresLedger } from '../../src/runtime/postgres/postgres-ledger.ts'
import { ledgerContract } from '../contract/ledger.ts'
import { laterLedger } from '../support/later-ledger.ts'
import { type OwnedGate, ownedGate } from '../support/owned-gate.ts'
import { createPostgresServer, type PostgresServer } from '../support/postgres-server.ts'

// The example of docs/owners.md over PostgreSQL, as it is on the page, with a real server; and the log of a fleet on Debian's
// version of PostgreSQL, which is older than that of the other tests.

// Names in variables: only vite can resolve them.
const [EXAMPLE, TABLE] = ['docs/owners.md#owner-postgres', 'docs/owners.md#recordings']
let server: PostgresServer
let sql: Sql
let owner: OwnerLookup
let said: string[]

beforeAll(async () => {
  server = await createPostgresServer()
  Object.assign(process.env, server.variables)
  const example = (await import(EXAMPLE)) as { owner: OwnerLookup; sql: Sql }
  const { default: table } = (await import(TABLE)) as { default: string }
  owner = example.owner
  sql = example.sql
  await sql.unsafe(table)
})
afterAll(async () => {
  await sql?.end({ timeout: 1 })
  await server?.remove()
})
beforeEach(async () => {
  await sql`TRUNCATE recordings`
  said = []
  vi.spyOn(console, 'error').mockImplementation((...values) => void said.push(values.join()))
})

const insert = (recording: string, patient: string, tenant: string | null = null) =>
  sql`INSERT INTO recordings VALUES (${recording}, ${patient}, ${tenant})
    ON CONFLICT (recording) DO UPDATE SET patient_id = ${patient}, tenant = ${tenant}`

const PATH = '/recordings/rec-1'
const outcome = async (gate: OwnedGate, who: string, path = PATH) => {
  const { status } = await gate.ask(who, path)
  return status === 200 ? status : [status, (await gate.events()).at(-1)?.reason]
}

describe('owners in PostgreSQL', () => {
  test('a recording plays to the patient in its row of PostgreSQL, whatever its stamp says', async () => {
    const gate = await ownedGate({}, { owner })
    await insert('rec-1', 'patient-2')
    expect(await outcome(gate, 'patient-2')).toBe(200)
    expect(await outcome(gate, 'patient-1')).toEqual([404, 'not_owner'])
    await insert('rec-1', 'patient-1')
    expect(await outcome(gate, 'patient-1')).toBe(200)
  })

  test('a recording without a row in PostgreSQL is refused, and so is a row without a recording', async () => {
    const gate = await ownedGate({}, { owner })
    await insert('none', 'patient-1')
    expect(await outcome(gate, 'patient-1')).toEqual([404, 'recording_unbound'])
    expect(await outcome(gate, 'patient-1', '/recordings/none')).toEqual([404, 'recording_unknown'])
  })

  test('a recording whose row in PostgreSQL names another tenant is refused', async () => {
    const gate = await ownedGate({}, { owner })
    await insert('rec-1', 'patient-1', 'north')
    expect(await outcome(gate, 'patient-1')).toEqual([404, 'tenant_mismatch'])
  })

  test('the gate answers a list of 62 recordings from PostgreSQL', async () => {
    const gate = await ownedGate({}, { owner })
    await insert('rec-1', 'patient-1')
    await insert('set', 'patient-2')
    const others = Array.from({ length: 60 }, (_, i) => `none-${i}`)
    const answer = await gate.list('patient-1', 'rec-1', 'set', ...others)
    const { evaluations } = (await answer.json()) as { evaluations: { decision: boolean }[] }
    expect(evaluations.map(({ decision }) => decision)).toEqual([true, false, ...others.map(() => false)])
  })

  test('a row of PostgreSQL that disagrees with the stamp leaves a recording without an owner', async () => {
    const gate = await ownedGate({}, { owner: agreeing(stampedOwners, owner) })
    await insert('rec-1', 'patient-1')
    expect(await outcome(gate, 'patient-1')).toBe(200)
    await insert('rec-1', 'patient-2')
    expect(await outcome(gate, 'patient-1')).toEqual([404, 'recording_unbound'])
    expect(await outcome(gate, 'patient-2')).toEqual([404, 'recording_unbound'])
  })

  test('a viewer gets 503 within two seconds if a query takes three, and PostgreSQL ends that query', async () => {
    const gate = await ownedGate({}, { owner })
    await insert('rec-1', 'patient-1')
    await sql`ALTER TABLE recordings RENAME TO moved`
    await sql`CREATE VIEW recordings AS SELECT moved.* FROM moved, LATERAL pg_sleep(3)`
    try {
      const started = performance.now()
      const answers = await Promise.all(['patient-1', 'patient-2'].map(who => outcome(gate, who)))
      expect(performance.now() - started).toBeLessThan(2000)
      expect(answers).toEqual([
        [503, 'owner_unavailable'],
        [503, 'owner_unavailable'],
      ])
      await vi.waitFor(async () => {
        const running =
          await sql`SELECT query FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'PgSleep'`
        expect(running.length).toBe(0)
      }, 1500)
    } finally {
      await sql`DROP VIEW recordings`
      await sql`ALTER TABLE moved RENAME TO recordings`
    }
    expect(await outcome(gate, 'patient-1')).toBe(200)
  })

  test('every request gets 503 while PostgreSQL is stopped, and a recording plays again once it runs', async () => {
    const gate = await ownedGate({}, { owner })
    await insert('rec-1', 'patient-1')
    expect(await outcome(gate, 'patient-1')).toBe(200)
    await server.stop()
    try {
      for (const who of ['patient-1', 'patient-2', 'patient-1']) {
        const started = performance.now()
        expect(await outcome(gate, who)).toEqual([503, 'owner_unavailable'])
        expect(performance.now() - started).toBeLessThan(2000)
      }
      const ticket = await gate.ask('patient-1', `${PATH}/ticket`, { method: 'POST' })
      expect(ticket.status).toBe(503)
      expect((await gate.list('patient-1', 'rec-1')).status).toBe(503)
      const headers = { 'mediaward-owner': 'patient-1', 'content-length': '3' }
      const claims = { roles: ['recorder'] }
      const put = await gate.ask('recorder-1', PATH, { method: 'PUT', claims, headers, body: 'new' })
      expect(put.status).toBe(503)
      expect(said.join()).toMatch(/owner_unavailable, event [0-9a-f-]{36}: the owner source /)
      // Neither the password nor what the driver says of its connection.
      expect(said.join() + JSON.stringify(await gate.events())).not.toMatch(
        /hunter2|ECONNREFUSED|127\.0\.0\.1/,
      )
    } finally {
      await server.start()
    }
    // The driver waits before it connects again, the longer the more often it failed.
    await vi.waitFor(async () => expect((await gate.ask('patient-1', PATH)).status).toBe(200), 30_000)
    expect(await outcome(gate, 'patient-2')).toEqual([404, 'not_owner'])
  })
})

const open: Promise<PostgresLedger>[] = []
afterEach(async () => {
  for (const ledger of open.splice(0)) (await ledger).close()
})

/** Creates a ledger in a database of its own. */
function createLedger(): Ledger {
  const ledger = server.createDatabase().then(url => createPostgresLedger({ url }))
  open.push(ledger)
  return laterLedger(ledger)
}

ledgerContract("Debian's PostgreSQL", createLedger)
