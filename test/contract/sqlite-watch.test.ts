import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSqliteLedger } from '../../src/runtime/sqlite/sqlite-ledger.ts'
import { FAKE_RULES } from '../support/fake-rules.ts'
import { recordErrors } from '../support/record-schema.ts'
import { type WatchedLog, watchContract } from './watch.ts'

watchContract(
  'SQLite',
  async () => open(join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite')),
  recordErrors,
)

function open(file: string): WatchedLog {
  const ledger = createSqliteLedger(file, Date.now, undefined, FAKE_RULES)
  const { findings, outbox } = ledger
  if (findings === undefined || outbox === undefined) throw new Error('the ledger has no rules')
  return {
    ...{ ledger, findings, outbox },
    async settle() {},
    async restart() {
      ledger.close()
      return open(file)
    },
  }
}
