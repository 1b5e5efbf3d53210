import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { NewRestriction } from '../../../../src/control/restriction.ts'
import { Restrictions } from '../../../../src/control/restrictions.ts'
import { ControlTable } from '../../../../src/runtime/sqlite/control/control-table.ts'
import { openSqlite } from '../../../../src/runtime/sqlite/sqlite-file.ts'

// What the contract of the control can't see: tables that were set back, and take over what a copy still has.

const by = { at: 0, by: 'psn_1' }
const lockdown = (value: string): NewRestriction => ({ kind: 'lockdown', scope: 'recording', value, ...by })
const EVERYTHING: NewRestriction = { kind: 'lockdown', scope: 'everything', ...by }

/** Tables with the first of ten lockdowns. */
async function tableWith(count: number): Promise<ControlTable> {
  const { sql, transaction } = openSqlite(join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'control.sqlite'))
  const table = new ControlTable({ sql, write: async work => transaction(work) }, Date.now)
  for (let i = 0; i < count; i++) await table.add(lockdown(`rec-${i}`))
  return table
}

const isFrozen = (reader: Restrictions, recording?: string) => {
  const none = { tenants: [], subjects: [], actors: [], sessions: [], tokens: [] }
  const concerned = { ...none, recording, release: undefined, issued: undefined }
  return reader.lockdownOf(concerned, 'play', Date.now()) !== undefined
}

test.each([
  ['one that read all before', 10],
  ['one that read some before', 6],
  ['one that has just started', 0],
])('a reader learns of what was added after tables were set back: %s', async (_, read) => {
  const before = await tableWith(10)
  const copy = before.stored(0, 100)
  const reader = new Restrictions()
  reader.apply(await (await tableWith(read)).changes(0, 0), Date.now())
  const after = await tableWith(5)
  // The copy is out of reach when the tables open again, and an analyst freezes everything.
  await after.add(EVERYTHING)
  await after.takeOver(
    copy.filter(({ epoch }) => epoch > 5),
    10,
  )
  reader.apply(await after.changes(reader.epoch, 0), Date.now())
  expect(isFrozen(reader)).toBe(true)
  for (let i = 0; i < 10; i++) expect(isFrozen(reader, `rec-${i}`)).toBe(true)
  expect((await after.list()).filter(({ scope }) => scope === 'everything')).toHaveLength(1)
  const frozen = (await after.list()).find(({ scope }) => scope === 'everything')
  await after.undo(frozen?.epoch ?? 0, { ...by, needsSecond: false })
  reader.apply(await after.changes(reader.epoch, 0), Date.now())
  expect(isFrozen(reader)).toBe(false)
  expect(isFrozen(reader, 'rec-7')).toBe(true)
})
