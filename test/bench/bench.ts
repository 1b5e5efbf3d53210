import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { fail, print } from '../../src/cli/terminal.ts'
import { benchMachine } from './machine-bench.ts'
import { type Findings, figureRows, figureTable, ratioTable, rowTable } from './report.ts'
import { benchWorkers } from './workers-bench.ts'

// What Mediaward costs beside others that do the same, or less. What is compared is measured in one run on one machine,
// as figures of different runs don't compare. `--only workers` or `--only machine` takes one half; `--json` adds a last
// line for programs.

const BENCHES: Readonly<Record<string, (folder: string) => Promise<Findings>>> = {
  workers: benchWorkers,
  machine: benchMachine,
}

const folder = mkdtempSync(join(tmpdir(), 'mediaward-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => fail(new Error(`stopped by ${signal}, so there are no figures`)))
}

try {
  const { values } = parseArgs({ options: { json: { type: 'boolean' }, only: { type: 'string' } } })
  const names = Object.keys(BENCHES).filter(name => values.only === undefined || values.only === name)
  for (const name of names) {
    const { measured, others, ratios } = (await BENCHES[name]?.(folder)) ?? {
      measured: [],
      others: [],
      ratios: [],
    }
    await print(`${figureTable(measured)}\n\n${rowTable(others)}\n\n${ratioTable(ratios)}\n`)
    if (values.json) {
      const rows = [...measured.flatMap(figureRows), ...others, ...ratios.map(({ row }) => row)]
      await print(JSON.stringify({ rows }))
    }
  }
} catch (error) {
  fail(error)
}
process.exit(0)
