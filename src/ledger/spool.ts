import { logFault, NOT_SHOWN } from '../base/storage-fault.ts'
import { withTimeout } from '../base/timeout.ts'
import type {
  CountQuery,
  Ledger,
  LedgerEntry,
  LedgerPage,
  LedgerQuery,
  LedgerSpool,
  RecordCount,
} from './ledger.ts'

/** How long the ledger may take over a call, in milliseconds, before the spool takes its entries. */
export const LEDGER_TIMEOUT = 2_000
/** A replay gives the ledger so many times as long. No client waits for it. */
const REPLAY_PATIENCE = 5
/** Most records that are listed, and sent to the ledger in one call, when records are brought back. */
const REPLAY_STEP = 100
/** Most records that one replay sends to the ledger, unless it is called with another number. */
const REPLAY_LIMIT = 10_000

/**
 * A ledger that loses nothing while the one behind it is down, slow or overloaded: the spool keeps what the ledger
 * doesn't confirm in time, and a replay brings it back. Such an entry may have arrived after all; its id makes the two
 * one record. `append` never retries: retries are what an overloaded ledger needs least.
 *
 * `read` shows only what the ledger has. What waits in the spool appears after the next replay, which the runtime starts
 * once a minute. A reader never starts one: reading would write, and cost the writer's time.
 */
export interface SpooledLedger extends Ledger {
  readonly spool: LedgerSpool
  /**
   * Brings records back from the spool, in the order of their ids. A record that the ledger doesn't take stays in the
   * spool, and holds up no other one. The next replay goes on where this one ended; after the last record, it begins
   * again.
   *
   * Resolves to how many records were brought back. Rejects if the spool fails, or if the ledger did not take a record;
   * the others were brought back all the same.
   *
   * @param limit sends no more records after so many, 10,000 by default. A record that is sent again by itself counts twice
   */
  replay(limit?: number): Promise<number>
}

/**
 * Puts a spool behind a ledger. `append` rejects only if neither of them confirms an entry.
 */
export function withSpool(
  ledger: Ledger,
  spool: LedgerSpool,
  timeout: number = LEDGER_TIMEOUT,
): SpooledLedger {
  return new LedgerWithSpool(ledger, spool, timeout)
}

class LedgerWithSpool implements SpooledLedger {
  readonly spool: LedgerSpool
  readonly lag?: () => Promise<number>
  readonly archiveLag?: () => Promise<number>
  readonly #ledger: Ledger
  readonly #timeout: number
  /**
   * The id of the last record that a replay sent; empty if the next one is to begin with the first record. A new process,
   * or a new isolate of Workers, begins with the first: so it looks first at what the ledger didn't take before.
   */
  #replayedTo = ''

  constructor(ledger: Ledger, spool: LedgerSpool, timeout: number) {
    this.#ledger = ledger
    this.spool = spool
    if (ledger.lag !== undefined) this.lag = ledger.lag
    if (ledger.archiveLag !== undefined) this.archiveLag = ledger.archiveLag
    this.#timeout = timeout
  }

  async append(entries: readonly LedgerEntry[]): Promise<void> {
    try {
      await withTimeout(this.#timeout, this.#ledger.append(entries))
    } catch (error) {
      logFault('the ledger took no record, the spool keeps it', error, NOT_SHOWN)
      await withTimeout(this.#timeout, Promise.all(entries.map(entry => this.spool.keep(entry))))
    }
  }

  read(query: LedgerQuery): Promise<LedgerPage> {
    return this.#ledger.read(query)
  }

  count(query: CountQuery): Promise<readonly RecordCount[]> {
    return this.#ledger.count(query)
  }

  held(query: Omit<LedgerQuery, 'limit'>): Promise<readonly LedgerEntry[]> {
    return this.#ledger.held(query)
  }

  waitAfter(cursor: string, milliseconds: number): Promise<void> {
    return this.#ledger.waitAfter(cursor, milliseconds)
  }

  async replay(limit: number = REPLAY_LIMIT): Promise<number> {
    const failures: PromiseRejectedResult[] = []
    let count = 0
    for (let left = limit; left > 0; ) {
      const entries = await this.spool.waiting(REPLAY_STEP, this.#replayedTo)
      this.#replayedTo = entries.at(-1)?.id ?? ''
      if (entries.length === 0) break
      left -= entries.length
      let results: PromiseSettledResult<string[]>[] = await Promise.allSettled([this.#bringBack(entries)])
      if (results.some(isRejected)) {
        // One inbox that fails, or one record that can't be stored, must not hold up the others.
        left -= entries.length
        results = await Promise.allSettled(entries.map(entry => this.#bringBack([entry])))
      }
      failures.push(...results.filter(isRejected))
      const ids = results.flatMap(result => (isRejected(result) ? [] : result.value))
      if (ids.length > 0) await this.spool.drop(ids)
      count += ids.length
    }
    const [failure] = failures
    if (failure !== undefined) throw failure.reason
    return count
  }

  /** Resolves to the ids of the entries when the ledger has them all. */
  async #bringBack(entries: readonly LedgerEntry[]): Promise<string[]> {
    const appended = this.#ledger.appendAlone?.(entries) ?? this.#ledger.append(entries)
    await withTimeout(this.#timeout * REPLAY_PATIENCE, appended)
    return entries.map(({ id }) => id)
  }
}

const isRejected = (result: PromiseSettledResult<unknown>): result is PromiseRejectedResult =>
  result.status === 'rejected'
