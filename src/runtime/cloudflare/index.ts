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
export { r2Overflow } from './r2-overflow.ts'
export { r2Store } from './r2-store.ts'
export { shardedLedger } from './sharded-ledger.ts'
