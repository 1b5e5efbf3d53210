export type {
  Bucket,
  BucketBody,
  BucketList,
  BucketObject,
  BucketPut,
  BucketRange,
  LedgerId,
  LedgerNamespace,
  LedgerState,
  LedgerStub,
} from './bindings.ts'
export { type CloudflareBindings, type CloudflareOptions, cloudflare } from './cloudflare.ts'
export { LedgerObject } from './ledger-object.ts'
export { createR2Spool } from './r2-spool.ts'
export { createR2Store } from './r2-store.ts'
export { createShardedLedger } from './sharded-ledger.ts'
