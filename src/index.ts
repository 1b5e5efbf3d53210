export type { Algorithm, Issuer } from './authenticate/issuer.ts'
export type { Network } from './base/network.ts'
export { StorageFault } from './base/storage-fault.ts'
export type { WaitUntil } from './base/timeout.ts'
export { ConfigurationError, type MediawardOptions } from './config/options.ts'
export { readVariables, type VariableOptions, type Variables } from './config/variables.ts'
export { createGate, type Gate } from './gate.ts'
export type { Handler } from './guard.ts'
export type { BodyTimeouts } from './http/request-body.ts'
export type { AccessEvent, EventKind, LedgerEvent } from './ledger/event.ts'
export {
  CursorInvalid,
  type Ledger,
  type LedgerEntry,
  type LedgerPage,
  type LedgerQuery,
  type LedgerSpool,
} from './ledger/ledger.ts'
export { type SpooledLedger, withSpool } from './ledger/spool.ts'
export type { Location } from './locate/location.ts'
export { type Mediaward, mediaward } from './middleware.ts'
export { REASONS, type Reason, type Stage } from './reason.ts'
export {
  agreeing,
  lookupOwners,
  type OwnerLookup,
  type OwnerQuestion,
  type OwnerSource,
  stampedOwners,
} from './recordings/owner-source.ts'
export type { ObjectRef, Ownership } from './recordings/recording.ts'
export {
  BytesUnavailable,
  DamagedPart,
  DigestMismatch,
  NameTaken,
  type OpenedPart,
  type PutOptions,
  type RecordingStore,
  type RequestedRange,
  type StoredPart,
} from './recordings/recording-store.ts'
export {
  type AnnouncedBytes,
  type CompletedPart,
  type CompleteOptions,
  type PieceOptions,
  type UploadOptions,
  type Uploads,
  UploadUnknown,
} from './recordings/uploads.ts'
export type { CookiePolicy, TicketBinding, TicketOptions } from './ticket/ticket-options.ts'
