import type { ReadEntry } from '../../src/ledger/ledger.ts'
import { isFindingRecord } from '../../src/watch/findings/finding-record.ts'
import type { Watching } from '../../src/watch/watching.ts'
import { FAKE_RULES } from '../support/fake-rules.ts'
import { createDatabase, openLedger, usePostgres } from '../support/postgres-test.ts'
import { recordErrors } from '../support/record-schema.ts'
import { refusal } from '../support/refusal.ts'
import { type WatchedLog, watchContract } from './watch.ts'

usePostgres()

watchContract('PostgreSQL', async () => open(await createDatabase(), { to: -1, ahead: 0 }), recordErrors)

/** How far the rules have looked: the index of the last record. */
interface Seen {
  to: number
  /** How far the clock is ahead, in milliseconds. */
  ahead: number
}

/** The fake rules, which note how far they have looked. */
const noting = (seen: Seen): Watching => ({
  ...FAKE_RULES,
  engine(canaries) {
    const engine = FAKE_RULES.engine(canaries)
    return {
      needs: records => engine.needs(records),
      replay: records => engine.replay(records),
      observe(records, stored) {
        seen.to = Math.max(seen.to, records.at(-1)?.index ?? -1)
        return engine.observe(records, stored)
      },
    }
  },
})

function open(url: string, seen: Seen): WatchedLog {
  const ledger = openLedger(url, undefined, () => Date.now() + seen.ahead, noting(seen))
  const { findings } = ledger
  if (findings === undefined) throw new Error('the ledger has no rules')
  /** Returns the index of the last record that is for rules. */
  const last = async () => {
    const { entries } = await ledger.read({ limit: 100, order: 'newest' })
    return entries.find(({ json }: ReadEntry) => !isFindingRecord(json))?.index ?? -1
  }
  const settle = async () => {
    const isBehind = async () => seen.to < (await last())
    do {
      while (await isBehind()) await new Promise(resolve => setTimeout(resolve, 20))
      // It changes nothing, and waits for what is under way. A finding may have given deliveries their index by then.
      await findings.endSuppression('none', 'psn_0')
    } while (await isBehind())
  }
  return {
    ...{ ledger, findings, settle },
    async pass(time) {
      seen.ahead += time
      await ledger.append([refusal('token_missing')])
      await settle()
    },
    async restart() {
      ledger.close()
      return open(url, seen)
    },
  }
}
