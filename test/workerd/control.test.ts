import { reset, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Control } from '../../src/control/control.ts'
import { createCloudflareControl } from '../../src/runtime/cloudflare/index.ts'
import { controlContract, lockdown, readChanges, revocation } from '../contract/control.ts'

// The restrictions in a Durable Object, and their copy in R2.

const PREFIX = '.mediaward/control/'
const object = () => env.CONTROL.get(env.CONTROL.idFromName('control'))
const open = (): Control => createCloudflareControl(env.CONTROL, env.AUDIT)
/** Ends the object. The next call starts another one. */
const evict = () => runInDurableObject(object(), (_, state) => state.abort('restart')).catch(() => {})
async function restart(): Promise<Control> {
  await evict()
  return open()
}
const keys = async () =>
  (await env.AUDIT.list({ prefix: PREFIX })).objects.map(({ key }) => Number(key.slice(PREFIX.length)))
/** Runs statements in the object's database. */
const run = (...statements: string[]) =>
  runInDurableObject(object(), (_, { storage: { sql } }) => {
    for (const statement of statements) sql.exec(statement)
  })
const TABLES = ['control', 'restriction', 'restriction_once', 'restriction_reason', 'restriction_proposal']
/** Sets the object back to what it was before all of its changes. */
async function empty(): Promise<void> {
  await run(...TABLES.map(table => `DROP TABLE IF EXISTS ${table}`))
  await evict()
}
/** Sets the object back to what it was at an epoch. */
async function setBack(epoch: number): Promise<void> {
  await run(
    `UPDATE restriction SET undone = NULL WHERE undone > ${epoch}`,
    `DELETE FROM restriction WHERE epoch > ${epoch}`,
    `UPDATE control SET epoch = min(epoch, ${epoch}), copied = min(copied, ${epoch})`,
  )
  await evict()
}
const epochs = async (control: Control, after = 0) =>
  (await readChanges(control, after)).all.map(({ epoch }) => epoch)
const undoing = () => ({ by: 'psn_a', at: Date.now(), needsSecond: false })
const add = async (control: Control, count: number, members = {}) => {
  for (let i = 0; i < count; i++) await control.add(lockdown(Date.now(), { value: `rec-${i}`, ...members }))
}

beforeEach(async () => {
  await reset()
  await evict()
  // Whichever of the two is left, by an instance that outlived the reset, the other one takes over: that is what it is for.
  await env.AUDIT.delete((await env.AUDIT.list({ prefix: PREFIX })).objects.map(({ key }) => key))
  await empty()
  expect(await readChanges(open())).toMatchObject({ all: [], epoch: 0 })
})
afterEach(() => void vi.restoreAllMocks())

controlContract(
  'a Durable Object',
  async work => {
    const began = Date.now()
    let passed = 0
    const clock = vi.spyOn(Date, 'now').mockImplementation(() => began + passed)
    const trial = { open, restart, now: () => Date.now() }
    const pass = (milliseconds: number) => {
      passed += milliseconds
    }
    await work({ ...trial, pass })
    clock.mockRestore()
  },
  { many: 3_000, burst: 500, idle: 20 },
)

test('the copy has what the object has, without any reason', async () => {
  const control = open()
  await control.add(lockdown(Date.now(), { reason: 'Mrs Berg' }))
  await control.add(revocation(Date.now(), 1))
  await control.undo(1, { ...undoing(), reason: 'Mrs Berg' })
  expect(await control.copy?.(0)).toEqual({
    changes: [
      { epoch: 1, kind: 'lockdown', scope: 'recording', value: 'rec-1' },
      expect.objectContaining({ epoch: 2, kind: 'revocation' }),
      { epoch: 3, undoes: 1 },
    ],
    epoch: 3,
    // A reader goes on with it at the object.
    mark: (await control.changes(0, 0)).mark,
    more: false,
  })
  expect(await control.copy?.(2)).toMatchObject({ changes: [{ undoes: 1 }], epoch: 3 })
  expect(await control.copy?.(7)).toEqual({ changes: [], epoch: 7, more: false })
  for (const epoch of await keys()) {
    const body = await env.AUDIT.get(`${PREFIX}${`${epoch}`.padStart(16, '0')}`)
    expect(await body?.text()).not.toContain('Berg')
  }
})

test('an object that lost its tables takes all over from R2, and epochs go on', async () => {
  const control = open()
  await add(control, 3)
  await control.undo(2, undoing())
  await empty()
  expect(await epochs(control)).toEqual([1, 3])
  expect(await epochs(control, 3)).toEqual([4])
  expect((await control.list()).map(({ epoch, value, by }) => [epoch, value, by])).toEqual([
    [1, 'rec-0', 'psn_analyst1'],
    [3, 'rec-2', 'psn_analyst1'],
  ])
  expect(await control.add(lockdown(Date.now()))).toBe(5)
})

test.each([0, 1, 2, 3, 4, 5])(
  'an object that was set back to epoch %i has again what was made and undone since',
  async epoch => {
    const control = open()
    await add(control, 3)
    await control.undo(1, undoing())
    await control.add(revocation(Date.now(), 1))
    await setBack(epoch)
    expect(await epochs(control)).toEqual([2, 3, 5])
    expect(await control.changes(5, 0)).toMatchObject({ changes: [], epoch: 5, more: false })
    expect(await epochs(control, 3)).toEqual([4, 5])
  },
)

test('an object that was set back has what the copy merged, and merging leaves few objects', async () => {
  const control = open()
  for (let i = 0; i < 120; i++) await control.add(lockdown(Date.now(), { value: `rec-${i}` }))
  for (let epoch = 1; epoch <= 40; epoch++) await control.undo(epoch, undoing())
  const held = await epochs(control)
  expect(held).toHaveLength(80)
  expect((await keys()).length).toBeLessThan(60)
  expect((await control.copy?.(0))?.epoch).toBe(160)
  await setBack(45)
  expect(await epochs(control)).toEqual(held)
  expect(await epochs(control, 130)).toEqual(Array.from({ length: 30 }, (_, i) => 131 + i))
  await empty()
  expect(await epochs(control)).toEqual(held)
})

test('a waiting call is answered by an add of another isolate at once', async () => {
  const control = open()
  await control.add(lockdown(Date.now()))
  const waiting = control.changes(1, 20_000)
  await open().add(lockdown(Date.now(), { value: 'rec-2' }))
  expect(await waiting).toMatchObject({ changes: [{ value: 'rec-2' }], epoch: 2 })
})

test('an object that is killed while a call waits for it fails the call, and the next one works', async () => {
  const control = open()
  await control.add(lockdown(Date.now()))
  const waiting = control.changes(1, 20_000).catch((error: Error) => error.message)
  await new Promise(resolve => setTimeout(resolve, 100))
  await evict()
  expect(await waiting).toBe('the Durable Object "control" failed')
  expect(await epochs(control)).toEqual([1])
})

test('with 100,000 revocations in force an idle call is quick and small, and all come back from R2', {
  timeout: 120_000,
}, async () => {
  const control = open()
  await control.add(lockdown(Date.now()))
  await run(
    `INSERT INTO restriction (epoch, change, about, is_listed, ends)
    WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
    SELECT i, '{"kind":"revocation","scope":"session","value":"psn_' || printf('%043d', i) || '"}', '{}', 0, ${Date.now() + 3_600_000}
    FROM n`,
    'UPDATE control SET epoch = 100000',
  )
  expect(await control.add(lockdown(Date.now()))).toBe(100_001)
  expect(JSON.stringify(await control.changes(100_001, 0)).length).toBeLessThan(1_024)
  const began = performance.now()
  for (let i = 0; i < 100; i++) await control.changes(100_001, 0)
  expect((performance.now() - began) / 100).toBeLessThan(20)
  await vi.waitFor(async () => expect((await control.copy?.(100_000))?.epoch).toBe(100_001), 10_000)
  expect((await keys()).length).toBeLessThan(20)
  const copied: number[] = []
  for (let page = await control.copy?.(0); page; page = await control.copy?.(page.epoch)) {
    copied.push(...page.changes.map(({ epoch }) => epoch))
    if (!page.more) break
  }
  expect(copied).toEqual(Array.from({ length: 100_001 }, (_, i) => i + 1))
  await empty()
  await vi.waitFor(async () => expect(await epochs(control)).toHaveLength(100_001), 20_000)
})
