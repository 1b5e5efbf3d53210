import process from 'node:process'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

// The tests that mutants are run against: those of one process, without the slow ones. MUTATION_TESTS narrows them, by
// patterns with a space between two. That makes a run of one room several times as fast.

const root = new URL('../..', import.meta.url).pathname

/** Which files take long: a mutant that a quick one kills isn't run against them. */
const SLOW =
  /\/test\/(?:property\/|unit\/(?:ledger\/(?:coalesce|kept|runs)|play\/|ingest\/|evaluate|tenants|guard))/

/** Quick files first, as the first failure ends a mutant's run. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => Number(SLOW.test(moduleId))
    return files.toSorted((a, b) => rank(a) - rank(b) || a.moduleId.localeCompare(b.moduleId))
  }
}

export default defineConfig({
  root,
  test: {
    globalSetup: ['./test/support/temporary-folder.ts'],
    include: (process.env.MUTATION_TESTS ?? 'test/{unit,contract,property}/**/*.test.ts').split(' '),
    exclude: [
      'test/unit/{cli,console,player,runtime,support}/**',
      'test/unit/linear.test.ts',
      'test/unit/body-timeouts.test.ts',
      'test/unit/playlist/cost.test.ts',
      'test/contract/{local,s3}.test.ts',
      'test/property/{concealment,uploads}.test.ts',
    ],
    sequence: { sequencer: QuickFirst },
    testTimeout: 60_000,
  },
})
