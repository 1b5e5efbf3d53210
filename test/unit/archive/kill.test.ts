import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test, vi } from 'vitest'
import type { ReadEntry } from '../../../src/ledger/ledger.ts'
import { createArchiveFolder } from '../../../src/runtime/folder/archive-folder.ts'
import { createSqliteLedger } from '../../../src/runtime/sqlite/sqlite-ledger.ts'
import { countedBy } from '../../support/counted.ts'
import { KeptRecords, type LogContents } from '../../support/kept-records.ts'
import { LONG } from '../../support/sample.ts'

const RUNS = LONG ? 200 : 10
/** A log that has grown takes long to read. */
const ON_ONE_LOG = 10
const PROGRAM = new URL('../../support/archiving-process.ts', import.meta.url).pathname

/** How each runtime runs a program. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  node: [process.execPath],
  deno: [join(import.meta.dirname, '../../../node_modules/.bin/deno'), 'run', '--no-prompt', '--allow-all'],
}

/** Runs the process on a folder, and kills it after so many milliseconds of work. Returns the lines that it printed. */
async function runAndKill(runtime: string, folder: string, delay: number): Promise<readonly string[]> {
  const path = join(folder, 'printed')
  const file = openSync(path, 'w')
  const [command = '', ...args] = COMMANDS[runtime] ?? []
  const child = spawn(command, [...args, PROGRAM, folder], { stdio: ['ignore', file, 'inherit'] })
  const ended = new Promise(resolve => child.once('close', resolve))
  await vi.waitFor(() => expect(statSync(path).size).toBeGreaterThan(0), { timeout: 60_000, interval: 5 })
  await new Promise(resolve => setTimeout(resolve, delay))
  child.kill('SIGKILL')
  await ended
  closeSync(file)
  // The last line may be cut off.
  return readFileSync(path, 'utf8').split('\n').slice(0, -1)
}

/** Returns the records of a log in their order, the deliveries that it holds, and what it has counted. */
async function readAll(folder: string): Promise<LogContents> {
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
  const held = await ledger.held({})
  const counted = await countedBy(ledger.count)
  ledger.close()
  return { all, held, counted }
}

const logs = Array.from({ length: RUNS / ON_ONE_LOG }, (_, i) => i)

test.each(Object.keys(COMMANDS).flatMap(runtime => logs.map(log => [runtime, log] as const)))(
  `a process on %s killed ${ON_ONE_LOG} times while it merges, archives and prunes has lost nothing and doubled nothing (%i)`,
  { timeout: 60_000 + ON_ONE_LOG * 20_000 },
  async runtime => {
    const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
    const kept = new KeptRecords()
    for (let run = 0; run < ON_ONE_LOG; run++) {
      kept.add(await runAndKill(runtime, folder, LONG ? 1_000 * Math.random() : 40 + 113 * (run % 9)))
      const places = kept.expectIn(await readAll(folder))
      // In the order in which they became durable.
      expect(places).toEqual(places.toSorted((a, b) => a - b))
    }
    expect(kept.size).toBeGreaterThan(ON_ONE_LOG * 40)
    // How far it gets depends on the machine.
    const objects = readdirSync(join(folder, 'archive')).filter(name => name.endsWith('.json'))
    expect(objects.length).toBeGreaterThan(0)
  },
)
