import { logFault } from '../base/storage-fault.ts'
import { withTimeout } from '../base/timeout.ts'
import type { Ledger, LedgerSpool } from './ledger.ts'

/** How long the ledger may take over a call, in milliseconds, before the spool takes its entries. */
export const LEDGER_TIMEOUT = 2_000
/** Most records that one replay brings back. */
const REPLAY_LIMIT = 100

/**
 * A ledger that loses nothing while the one behind it is down, slow or overloaded: the spool keeps what the ledger
 * doesn't confirm in time, and a replay brings it back. Such an entry may have arrived after all; its id makes the two
 * one record. `append` never retries: retries are what an overloaded ledger needs least.
 *
 * `read` shows only what the ledger has. What waits in the spool appears after the next replay, which the runtime starts
 * once a minute. A reader never starts one: reading would write, and cost the writer's time.
 */
export interface SpooledLedger extends Ledger {
  /** Brings records back from the spool. Resolves to how many; rejects if the spool or the ledger can't be reached. */
  replay(): Promise<number>
}

/**
 * Puts a spool behind a ledger. `append` rejects only if neither of them confirms an entry. It resolves to `added` for
 * what the spool keeps.
 */
export function withSpool(
  ledger: Ledger,
  spool: LedgerSpool,
  timeout: number = LEDGER_TIMEOUT,
): SpooledLedger {
  return {
    async append(entries) {
      try {
        return await withTimeout(timeout, ledger.append(entries))
      } catch (error) {
        logFault('the ledger took no record, the spool keeps it', error)
        await withTimeout(timeout, Promise.all(entries.map(entry => spool.keep(entry))))
        return entries.map(() => 'added')
      }
    },

    read: query => ledger.read(query),

    async replay() {
      const entries = await spool.waiting(REPLAY_LIMIT)
      if (entries.length === 0) return 0
      await ledger.append(entries)
      await spool.drop(entries.map(({ id }) => id))
      return entries.length
    },
  }
}
