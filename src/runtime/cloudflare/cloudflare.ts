import { checkTable } from '../../config/check-options.ts'
import type { MediawardOptions } from '../../config/options.ts'
import { OPTIONS } from '../../config/table.ts'
import { type SpooledLedger, withSpool } from '../../ledger/spool.ts'
import type { Bucket, LedgerNamespace } from './bindings.ts'
import { createR2Spool } from './r2-spool.ts'
import { createR2Store } from './r2-store.ts'
import { createShardedLedger } from './sharded-ledger.ts'

/**
 * At most 500 records a run; the rest waits for the next. A run may ask R2 and the shards 1,000 times. With 64 shards it
 * asks 830 times if the ledger takes all records, and at most 930 times if it doesn't.
 */
const REPLAY_LIMIT = 500

/** The bindings that Mediaward works with on Workers. */
export interface CloudflareBindings {
  /** The bucket with the recordings. It must have no public domain: whatever reads it directly passes us by. */
  readonly RECORDINGS: Bucket
  /** The bucket for records that the ledger can't take. Another one than `RECORDINGS`. */
  readonly AUDIT: Bucket
  /** The class `LedgerObject`, with SQLite storage. */
  readonly LEDGER: LedgerNamespace
}

/** The options that follow from running on Workers. */
export interface CloudflareOptions extends Required<Pick<MediawardOptions, 'store' | 'network' | 'replay'>> {
  readonly ledger: SpooledLedger
}

/**
 * Store, ledger and network facts on Cloudflare Workers: `mediaward({ …, ...cloudflare(env) })`.
 *
 * @param shards over how many objects the ledger is spread, 1 to 64 (`LEDGER_SHARDS`). Default 4
 * @throws ConfigurationError if there can't be so many shards
 */
export function cloudflare(
  bindings: CloudflareBindings,
  shards: number = OPTIONS.ledgerShards.default,
): CloudflareOptions {
  checkTable(OPTIONS, { ledgerShards: shards }, ['ledgerShards'])
  const ledger = withSpool(createShardedLedger(bindings.LEDGER, shards), createR2Spool(bindings.AUDIT))
  return {
    store: createR2Store(bindings.RECORDINGS),
    ledger,

    async replay() {
      await ledger.replay(REPLAY_LIMIT)
    },

    network(request) {
      const ip = request.headers.get('cf-connecting-ip')
      const { asn, country } = (request as { cf?: { asn?: unknown; country?: unknown } }).cf ?? {}
      return {
        ...(ip !== null && { ip }),
        ...(typeof asn === 'number' && { asn }),
        ...(typeof country === 'string' && { country }),
      }
    },
  }
}
