import { createSqliteLedger } from '../../src/runtime/sqlite/sqlite-ledger.ts'
import type { WatchedLog } from '../contract/watch.ts'
import { FAKE_RULES } from './fake-rules.ts'

/** A log in a file, with rules and a clock that can be moved on. */
export function watchedSqlite(file: string, passed = 0): WatchedLog {
  let ahead = passed
  const ledger = createSqliteLedger(file, () => Date.now() + ahead, undefined, FAKE_RULES)
  const { findings } = ledger
  if (findings === undefined) throw new Error('the ledger has no rules')
  return {
    ...{ ledger, findings },
    async settle() {},
    async pass(time) {
      ahead += time
      await ledger.settle()
    },
    async restart() {
      ledger.close()
      return watchedSqlite(file, ahead)
    },
  }
}
