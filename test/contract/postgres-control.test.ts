import { spawn } from 'node:child_process'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  createPostgresControl,
  type PostgresControl,
} from '../../src/runtime/postgres/control/postgres-control.ts'
import { LAST } from '../../src/runtime/postgres/control/statements.ts'
import { databaseOf } from '../../src/runtime/postgres/options.ts'
import { LOCKS } from '../../src/runtime/postgres/schema.ts'
import { Session } from '../../src/runtime/postgres/session.ts'
import { createDatabase, openSession, runStatements, usePostgres } from '../support/postgres-test.ts'
import { controlContract, lockdown, readChanges } from './control.ts'

usePostgres()

/** Opens the restrictions in a database, until the test is over. */
function openControl(url: string, now: () => number = Date.now): PostgresControl {
  const control = createPostgresControl({ url }, now)
  onTestFinished(() => control.close())
  return control
}

controlContract(
  'PostgreSQL',
  async work => {
    const url = await createDatabase()
    let time = Date.UTC(2026, 10, 27)
    const open = () => openControl(url, () => time)
    await work({
      open,
      restart: open,
      pass(milliseconds) {
        time += milliseconds
      },
      now: () => time,
    })
  },
  { many: 6_000, burst: 100, idle: 10 },
)

/** Starts another process that adds. Its epochs come in the order in which they were confirmed. */
function startMember(url: string): { readonly epochs: number[]; kill(): Promise<void> } {
  const child = spawn(process.execPath, ['test/support/control-member.ts'], {
    env: { ...process.env, DATABASE_URL: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const epochs: number[] = []
  createInterface(child.stdout).on('line', line => epochs.push(Number(line)))
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  return {
    epochs,
    kill() {
      child.kill('SIGKILL')
      return ended
    },
  }
}

test('a reader misses nothing that two processes add at once, though both are killed', async () => {
  const url = await createDatabase()
  const reader = openControl(url)
  await reader.changes(0, 0)
  const members = [startMember(url), startMember(url)]
  const seen: number[] = []
  let after = 0
  const read = async (wait: number) => {
    const { changes, epoch } = await reader.changes(after, wait)
    seen.push(...changes.map(one => one.epoch))
    after = epoch
  }
  while (members.some(({ epochs }) => epochs.length < 300)) await read(1_000)
  await Promise.all(members.map(member => member.kill()))
  await read(0)
  // By rising epoch without a gap: none came into view after a higher one.
  expect(seen).toEqual(seen.map((_, i) => i + 1))
  const confirmed = members.flatMap(({ epochs }) => epochs)
  expect(confirmed.filter(epoch => !seen.includes(epoch))).toEqual([])
})

test('a change of another process wakes a reader within two seconds', async () => {
  const url = await createDatabase()
  const [reader, other] = [openControl(url), openControl(url)]
  await other.add(lockdown(0))
  const waiting = Array.from({ length: 20 }, () => reader.changes(1, 20_000))
  await new Promise(resolve => setTimeout(resolve, 300))
  const began = performance.now()
  await other.add(lockdown(0, { value: 'rec-2' }))
  for (const page of await Promise.all(waiting)) expect(page).toMatchObject({ changes: [{ epoch: 2 }] })
  expect(performance.now() - began).toBeLessThan(2_000)
})

test('a hundred readers that wait ask the database once a second', async () => {
  const url = await createDatabase()
  const query = vi.spyOn(Session.prototype, 'query')
  onTestFinished(() => query.mockRestore())
  const reader = openControl(url)
  await reader.changes(0, 0)
  query.mockClear()
  await Promise.all(Array.from({ length: 100 }, () => reader.changes(0, 2_500)))
  const polls = query.mock.calls.filter(([statement]) => statement === LAST)
  expect(polls.length).toBeLessThan(6)
  expect(polls.length).toBeGreaterThan(1)
})

test('a change whose transaction is slow holds the next one back, so that none is committed before a lower one', async () => {
  const url = await createDatabase()
  const control = openControl(url)
  await control.add(lockdown(0))
  const slow = runStatements(
    `BEGIN; SELECT pg_advisory_xact_lock(${LOCKS.control});
      UPDATE mediaward.control SET epoch = epoch + 1;
      INSERT INTO mediaward.restriction (epoch, change, about, is_listed)
        SELECT epoch, '{"kind":"lockdown","scope":"everything"}', '{}', true FROM mediaward.control;
      SELECT pg_sleep(1); COMMIT`,
    url,
  )
  await vi.waitFor(async () => {
    const running = await runStatements("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    expect(running).toHaveLength(1)
  })
  const adding = control.add(lockdown(0, { value: 'rec-3' }))
  expect(await openControl(url).changes(1, 0)).toMatchObject({ changes: [], epoch: 1 })
  expect(await adding).toBe(3)
  expect((await control.changes(1, 0)).changes.map(({ epoch }) => epoch)).toEqual([2, 3])
  await slow
})

test('a waiting reader is refused within two seconds if the database goes away', async () => {
  const url = await createDatabase()
  const reader = openControl(url)
  await reader.changes(0, 0)
  const waiting = reader.changes(0, 20_000)
  const began = performance.now()
  await new Promise(resolve => setTimeout(resolve, 200))
  const { database } = databaseOf({ url })
  await runStatements(`ALTER DATABASE ${database} ALLOW_CONNECTIONS false`)
  await runStatements(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`)
  await expect(waiting).rejects.toThrow('PostgreSQL')
  expect(performance.now() - began).toBeLessThan(2_500)
  await runStatements(`ALTER DATABASE ${database} ALLOW_CONNECTIONS true`)
  expect(await reader.changes(0, 0)).toMatchObject({ epoch: 0 })
})

test('tables of the version before get those of the restrictions', async () => {
  const url = await createDatabase()
  await openSession(url).query('SELECT 1 AS one')
  await runStatements(
    `DROP TABLE mediaward.control, mediaward.restriction, mediaward.restriction_reason, mediaward.restriction_proposal,
        mediaward.restriction_once, mediaward.finding, mediaward.finding_text, mediaward.suppression, mediaward.canary, mediaward.watch_window,
        mediaward.watch;
      UPDATE mediaward.version SET number = 2`,
    url,
  )
  expect(await openControl(url).add(lockdown(0))).toBe(1)
})

test('with 100,000 revocations in force an idle call is quick and small, and all are read in ten pages', async () => {
  const url = await createDatabase()
  const control = openControl(url)
  await control.add(lockdown(0))
  await runStatements(
    `INSERT INTO mediaward.restriction (epoch, change, about, is_listed, ends)
      SELECT i, '{"kind":"revocation","scope":"session","value":"psn_' || lpad(i::text, 43, '0') || '"}', '{}', false, ${Date.now() + 3_600_000}
      FROM generate_series(2, 100000) AS i;
      UPDATE mediaward.control SET epoch = 100000`,
    url,
  )
  const { all, sizes } = await readChanges(control)
  expect([all.length, sizes.length]).toEqual([100_000, 10])
  expect(JSON.stringify(await control.changes(100_000, 0)).length).toBeLessThan(1_024)
  const began = performance.now()
  for (let i = 0; i < 100; i++) await control.changes(100_000, 0)
  expect((performance.now() - began) / 100).toBeLessThan(10)
  expect(await control.list()).toHaveLength(1)
})

test.each([0, 20_000])(
  'a reader learns of a lockdown on a standby that lagged behind and gives an epoch again, though it waits for %i ms',
  async wait => {
    const url = await createDatabase()
    const [one, other] = [openControl(url), openControl(url)]
    await one.add(lockdown(0))
    await one.add(lockdown(1, { value: 'rec-2' }))
    const known = await one.changes(0, 0)
    // The standby had not heard of the second one.
    await runStatements(
      'DELETE FROM mediaward.restriction WHERE epoch = 2; UPDATE mediaward.control SET epoch = 1',
      url,
    )
    expect(await other.add(lockdown(5_000, { value: 'rec-3' }))).toBe(2)
    const began = performance.now()
    const page = await one.changes(2, wait, known.mark)
    expect(page).toMatchObject({ restart: true, epoch: 2, changes: [{ value: 'rec-1' }, { value: 'rec-3' }] })
    expect(performance.now() - began).toBeLessThan(2_000)
    expect(page.mark).not.toBe(known.mark)
  },
)

test('two persons of two machines that undo at once undo once', async () => {
  const url = await createDatabase()
  const controls = [openControl(url), openControl(url)]
  for (let i = 1; i <= 30; i++) {
    const epoch = (await controls[0]?.add(lockdown(0))) ?? 0
    const undoing = { by: 'psn_1', at: 0, needsSecond: false }
    const undone = await Promise.all(controls.map(control => control.undo(epoch, undoing)))
    expect(undone.sort()).toEqual(['undone', 'unknown'])
    expect((await controls[1]?.changes(0, 0))?.epoch).toBe(2 * i)
  }
})

test('a change of this process wakes its readers at once', async () => {
  const control = openControl(await createDatabase())
  await control.add(lockdown(0))
  const waits: number[] = []
  for (let after = 1; after <= 3; after++) {
    const waiting = control.changes(after, 20_000)
    await new Promise(resolve => setTimeout(resolve, 200))
    const began = performance.now()
    await control.add(lockdown(0))
    expect(await waiting).toMatchObject({ epoch: after + 1 })
    waits.push(performance.now() - began)
  }
  expect(waits.sort((a, b) => a - b)[1]).toBeLessThan(500)
})
