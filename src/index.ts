export type { Algorithm, Issuer } from './authenticate/issuer.ts'
export type { CookiePolicy, TicketBinding, TicketOptions } from './authenticate/ticket-options.ts'
export {
  BytesUnavailable,
  type DamagedPart,
  DigestMismatch,
  NameTaken,
  type OpenedPart,
  type PutOptions,
  type RecordingStore,
  type RequestedRange,
  type StoredPart,
} from './deliver/recording-store.ts'
export {
  type CompletedPart,
  type CompleteOptions,
  type PieceOptions,
  type UploadOptions,
  type Uploads,
  UploadUnknown,
} from './deliver/uploads.ts'
export { createGate, type Gate } from './gate.ts'
export type { Handler } from './guard.ts'
export type { AccessEvent, EventKind, LedgerEvent } from './ledger/event.ts'
export {
  CursorInvalid,
  type Ledger,
  type LedgerEntry,
  type LedgerPage,
  type LedgerQuery,
  type Overflow,
} from './ledger/ledger.ts'
export type { Network } from './ledger/network.ts'
export { type SteadfastLedger, steadfast } from './ledger/steadfast.ts'
export type { Location } from './locate/location.ts'
export { type Mediaward, mediaward } from './middleware.ts'
export { ConfigurationError, type MediawardOptions } from './options.ts'
export { REASONS, type Reason, type Stage } from './reason.ts'
export type { Binding, Place } from './recording.ts'
export type { BodyTimeouts } from './request-body.ts'
export { StorageFault } from './storage-fault.ts'
export { readVariables, type VariableOptions, type Variables } from './variables.ts'
export type { WaitUntil } from './wait-until.ts'
