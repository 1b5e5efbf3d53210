import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSqliteLedger } from '../../src/runtime/sqlite/sqlite-ledger.ts'
import { deliveriesContract } from './deliveries.ts'

deliveriesContract('SQLite', async () => {
  let now = Date.UTC(2026, 10, 27)
  const file = join(mkdtempSync(join(tmpdir(), 'mediaward-')), 'ledger.sqlite')
  let ledger = createSqliteLedger(file, () => now)
  return {
    ledger,
    async pass(milliseconds) {
      now += milliseconds
      await ledger.settle()
    },
    async restart() {
      ledger.close()
      ledger = createSqliteLedger(file, () => now)
      return ledger
    },
  }
})
