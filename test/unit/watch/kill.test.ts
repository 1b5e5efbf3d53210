import { spawn } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { expect, test, vi } from 'vitest'
import { createSqliteLedger } from '../../../src/runtime/sqlite/sqlite-ledger.ts'
import { FAKE_RULES } from '../../support/fake-rules.ts'
import { LONG } from '../../support/sample.ts'
import { expectWatched } from '../../support/watched-whole.ts'

const RUNS = LONG ? 100 : 8
const PROGRAM = new URL('../../support/watching-process.ts', import.meta.url).pathname

/** Runs the process on a folder, and kills it after so many milliseconds of work. */
async function runAndKill(folder: string, delay: number): Promise<void> {
  const path = join(folder, 'printed')
  const file = openSync(path, 'w')
  const child = spawn(process.execPath, [PROGRAM, folder], { stdio: ['ignore', file, 'inherit'] })
  const ended = new Promise(resolve => child.once('close', resolve))
  await vi.waitFor(() => expect(statSync(path).size).toBeGreaterThan(0), { timeout: 60_000, interval: 5 })
  await new Promise(resolve => setTimeout(resolve, delay))
  child.kill('SIGKILL')
  await ended
  closeSync(file)
}

test('a process killed again and again has found all that is in its log, each once, with its records', {
  timeout: 60_000 + RUNS * 5_000,
}, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mediaward-'))
  let before = 0
  for (let run = 0; run < RUNS; run++) {
    await runAndKill(folder, LONG ? 300 * Math.random() : 10 + 37 * run)
    const file = join(folder, 'ledger.sqlite')
    const { close, ...ledger } = createSqliteLedger(file, undefined, undefined, FAKE_RULES)
    const { findings } = ledger
    if (findings === undefined) throw new Error('the ledger has no rules')
    const found = await expectWatched({ ledger, findings })
    expect(found).toBeGreaterThan(before)
    before = found
    close()
  }
})
