import { logFault } from '../base/storage-fault.ts'
import { withTimeout } from '../base/timeout.ts'
import type { Ledger, LedgerEntry, LedgerSpool } from './ledger.ts'

/** How long the ledger may take over a record, in milliseconds, before the overflow takes it. */
export const LEDGER_TIMEOUT = 2_000
/** Most records brought back from the overflow in one go. */
const REPLAY_LIMIT = 100

/**
 * A ledger that loses nothing while the one behind it is down, slow or overloaded: a record that it doesn't confirm
 * in time is kept in the overflow, and brought back later. It may then have arrived after all; its id makes that one
 * record. There are no retries: they are what an overloaded ledger needs least.
 */
export interface SpooledLedger extends Ledger {
  /** Brings records from the overflow back into the ledger. Returns how many; rejects where either can't be reached. */
  replay(): Promise<number>
}

/** Puts an overflow behind a ledger. `record` rejects only where neither of them has the entry for sure. */
export function withSpool(
  ledger: Ledger,
  spool: LedgerSpool,
  timeout: number = LEDGER_TIMEOUT,
): SpooledLedger {
  async function replay(): Promise<number> {
    const entries = await spool.waiting(REPLAY_LIMIT)
    for (const entry of entries) {
      await ledger.record(entry)
    }
    await spool.drop(entries.map(({ id }) => id))
    return entries.length
  }
  return {
    async record(entry: LedgerEntry) {
      try {
        await withTimeout(timeout, ledger.record(entry))
      } catch (error) {
        logFault('the ledger took no record, the overflow keeps it', error)
        await withTimeout(timeout, spool.keep(entry))
      }
    },
    async read(query) {
      // A reader sees what waits in the overflow too. Only the first page looks: following must cost one read. What
      // can't be brought back now stays where it is, and is no reason to show nothing.
      if (query.after === undefined) await replay().catch(() => {})
      return ledger.read(query)
    },
    replay,
  }
}
