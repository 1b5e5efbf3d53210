import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { parseArgs } from 'node:util'
import { fail, print } from '../../src/cli/terminal.ts'
import { benchAgainst } from './against.ts'
import { benchFollowers } from './followers.ts'
import { benchMachine } from './machine-bench.ts'
import { type Findings, figureRows, figureTable, ratioTable, rowTable } from './report.ts'
import { benchRules } from './rules.ts'
import { benchWorkers } from './workers-bench.ts'

// What Mediaward costs beside others that do the same, or less. What is compared is measured in one run on one machine,
// as figures of different runs don't compare. `--against COMMIT` also compares with an earlier worker, six times in
// `--rounds` (11) rounds. `--only workers`, `machine`, `followers`, `rules` or `against` takes one part; `--json` adds a last line for programs.

/** Measures one part, in a folder for it. */
type Bench = (folder: string) => Promise<Findings>

const folder = mkdtempSync(join(tmpdir(), 'mediaward-bench-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => fail(new Error(`stopped by ${signal}, so there are no figures`)))
}

try {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      only: { type: 'string' },
      against: { type: 'string' },
      rounds: { type: 'string', default: '11' },
    },
  })
  const { only, against } = values
  const rounds = Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds must be a number from 1 on')
  const benches = new Map<string, Bench>([
    ['workers', benchWorkers],
    ['machine', benchMachine],
    ['followers', benchFollowers],
    ['rules', benchRules],
  ])
  if (against !== undefined) benches.set('against', folder => benchAgainst(folder, against, rounds))
  if (only !== undefined && !benches.has(only)) {
    throw new Error(
      `--only must be workers, machine, followers or rules, or against together with --against COMMIT, not ${only}`,
    )
  }
  for (const [name, bench] of benches) {
    if (only !== undefined && only !== name) continue
    const { measured, others, ratios } = await bench(folder)
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
