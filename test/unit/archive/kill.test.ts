import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test } from 'vitest'
import type { ReadEntry } from '../../../src/ledger/ledger.ts'
import { createArchiveFolder } from '../../../src/runtime/folder/archive-folder.ts'
import { createSqliteLedger } from '../../../src/runtime/sqlite/sqlite-ledger.ts'
import { LONG } from '../../support/sample.ts'

const RUNS = LONG ? 200 : 15
const PROGRAM = new URL('../../support/archiving-process.ts', import.meta.url).pathname

/** Runs the process on a folder, and kills it after so many milliseconds of work. Returns the lines that it printed. */
function runAndKill(folder: string, delay: number): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [PROGRAM, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      if (printed === '') setTimeout(() => child.kill('SIGKILL'), delay)
      printed += chunk
    })
    child.on('error', reject)
    // The last line may be cut off.
    child.on('close', () => resolve(printed.split('\n').slice(0, -1)))
  })
}

async function readAll(folder: string): Promise<readonly ReadEntry[]> {
  const limits = { days: 1, records: 200, years: 1_000_000 }
  const keeping = { archive: createArchiveFolder(folder), limits }
  const ledger = createSqliteLedger(join(folder, 'ledger.sqlite'), undefined, keeping)
  const all: ReadEntry[] = []
  let page = await ledger.read({ limit: 1_000 })
  all.push(...page.entries)
  while (page.more) {
    page = await ledger.read({ limit: 1_000, after: page.cursor })
    all.push(...page.entries)
  }
  ledger.close()
  return all
}

test(`a process killed ${RUNS} times while it archives and prunes has lost nothing and doubled nothing`, {
  timeout: 400_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  const durable: string[] = []
  for (let run = 0; run < RUNS; run++) {
    durable.push(...(await runAndKill(folder, 40 + 113 * (run % 9))))
    const all = await readAll(folder)
    expect(all.map(({ index }) => index)).toEqual(all.map((_, i) => i))
    const stored = new Map(all.map(({ json }, i) => [json, i]))
    expect(stored.size).toBe(all.length)
    expect(durable.filter(json => !stored.has(json)).length, `lost in run ${run}`).toBe(0)
    // In the order in which they became durable.
    const places = durable.map(json => stored.get(json) ?? -1)
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  }
  expect(durable.length).toBeGreaterThan(RUNS * 40)
  // How far it gets depends on the machine.
  const objects = readdirSync(join(folder, 'archive')).filter(name => name.endsWith('.json'))
  expect(objects.length).toBeGreaterThan(3)
})
