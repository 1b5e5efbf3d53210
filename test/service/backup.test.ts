import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test } from 'vitest'
import { createArchiveFolder } from '../../src/runtime/folder/archive-folder.ts'
import { createSqliteLedger } from '../../src/runtime/sqlite/sqlite-ledger.ts'
import { entryAt } from '../support/archived-log.ts'
import type { RunningGate } from '../support/gate.ts'
import { createIssuer, denials, store, variables } from '../support/gate-client.ts'
import { startService } from '../support/service.ts'

// The backup and the restore of docs/operating.md, as they are written there.

const [, program = ''] = /node -e '\n([\s\S]*?)'\n/.exec(readFileSync('docs/operating.md', 'utf8')) ?? []

test('a backup that is taken while the gate is at work has every record and recording from before it', async () => {
  const idp = await createIssuer()
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const [data, backup, restored] = ['data', 'backup', 'restored'].map(name => join(folder, name))
  if (data === undefined || backup === undefined || restored === undefined) throw new Error()
  const old = await writePrunedRecords(data)
  const service = await startService('node', data, variables(idp))
  const gate = { url: service.url } as RunningGate
  expect((await store(gate, idp, '/recordings/consult-1', 'patient-1', 'a consultation')).status).toBe(201)
  let asked = 0
  let isOver = false
  const ask = async () => {
    while (!isOver) {
      asked += 1
      await (await fetch(`${service.url}/recordings/made-up-${asked}`)).arrayBuffer()
    }
  }
  const work = Promise.all([ask(), ask(), ask(), ask()])
  while (asked < 100) await new Promise(resolve => setTimeout(resolve, 20))
  const before = await denials(gate, idp)

  mkdirSync(backup)
  for (const name of ['recordings', 'archive'])
    cpSync(join(data, name), join(backup, name), { recursive: true })
  const local = program.replaceAll('/var/lib/mediaward', data).replaceAll('/backup', backup)
  execFileSync(process.execPath, ['-e', local])
  isOver = true
  await work
  const all = await denials(gate, idp)
  expect(all.length).toBeGreaterThan(before.length)
  service.kill('SIGTERM')
  await service.ended

  cpSync(backup, restored, { recursive: true })
  chmodSync(restored, 0o700)
  const again = await startService('node', restored, variables(idp))
  const copy = { url: again.url } as RunningGate
  const there = await denials(copy, idp)
  expect(there.slice(0, old.length).map(({ id }) => id)).toEqual(old)
  expect(there.slice(0, before.length)).toEqual(before)
  expect(there).toEqual(all.slice(0, there.length))
  const played = await fetch(`${again.url}/recordings/consult-1`, { headers: await idp.bearer('patient-1') })
  expect([played.status, await played.text()]).toEqual([200, 'a consultation'])
  // It goes on from there.
  expect((await fetch(`${again.url}/recordings/consult-1`)).status).toBe(401)
  expect((await denials(copy, idp)).length).toBe(there.length + 1)
  again.kill('SIGTERM')
  expect(await again.ended).toBe(0)
})

/** Writes a ledger of which most records are in the archive alone, as after months of work. Returns the ids of all. */
async function writePrunedRecords(data: string): Promise<readonly string[]> {
  mkdirSync(data)
  const clock = { now: Date.now() - 200 * 86_400_000 }
  const limits = { days: 90, records: 6_000_000, years: 6 }
  const archive = createArchiveFolder(data)
  const ledger = createSqliteLedger(join(data, 'ledger.sqlite'), () => clock.now, { archive, limits })
  const refusal = { v: 1, decision: 'deny', reason: 'token_missing', status: 401, method: 'GET' }
  const entries = Array.from({ length: 400 }, (_, i) =>
    entryAt(clock.now + i, { ...refusal, gate: { version: '0.7.0', isolate: 'aaaaaaaa', seq: i + 1 } }),
  )
  await ledger.append(entries)
  await ledger.archiver?.step()
  clock.now = Date.now()
  for (let i = 0; i < 5; i++) await ledger.archiver?.step()
  expect((await ledger.read({ limit: 1 })).archived).toBe(true)
  ledger.close()
  return entries.map(({ id }) => id)
}
