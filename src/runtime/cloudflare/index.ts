export type {
  Bucket,
  BucketBody,
  BucketList,
  BucketObject,
  BucketPut,
  BucketRange,
  ControlStub,
  DurableState,
  InboxStub,
  LedgerNamespace,
  LogFindingsStub,
  LogNamespace,
  LogSinksStub,
  LogStub,
  ObjectId,
  ObjectNamespace,
} from './bindings.ts'
export { type CloudflareBindings, type CloudflareOptions, cloudflare } from './cloudflare.ts'
export { createCloudflareLedger, type LedgerObjects } from './cloudflare-ledger.ts'
export { createCloudflareControl } from './control/cloudflare-control.ts'
export { ControlObject } from './control/control-object.ts'
export { LedgerObject } from './ledger-object.ts'
export { LogObject } from './log-object.ts'
export { createR2Spool } from './r2/r2-spool.ts'
export { createR2Store } from './r2/r2-store.ts'
