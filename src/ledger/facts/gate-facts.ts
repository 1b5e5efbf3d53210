// What the gate records of itself: these records have no caller and no network.

/**
 * An issuer publishes other keys than an isolate of the gate had loaded before. Each isolate records it once. The head has
 * the issuer and its entry.
 */
export interface KeysFacts {
  readonly kind: 'keys'
  /** The issuers of other entries whose keys come from the same place. The first 256. */
  readonly others?: readonly string[]
  /** Thumbprints of the keys that were in force (RFC 7638, SHA-256): sorted, the first 256. */
  readonly before: readonly string[]
  /** Thumbprints of the keys that are in force now. */
  readonly after: readonly string[]
}

/**
 * An isolate of the gate has traffic, and its records arrive: at its first request, then at most once a minute. Every lower
 * number (`gate.seq`) of the isolate belongs to a record, too, or to a sum in `merged` of one: what the log lacks six minutes
 * later was lost.
 */
export interface HeartbeatFacts {
  readonly kind: 'heartbeat'
  /** True if the process ended in order, so that no more of it is to come. */
  readonly final?: true
}

/**
 * Records are missing: neither the ledger nor the spool took them. If several of these records share isolate and `since`,
 * the last one has the sum.
 */
export interface GapFacts {
  readonly kind: 'gap'
  /** How many records. Some may be in the log all the same: a ledger that took one may have failed to say so. */
  readonly count: number
  /** When the first of them was made, UTC with milliseconds. */
  readonly since: string
  /** When the last of them was made. */
  readonly until: string
  /** Which isolate made them, and the numbers of the first and the last one. Between them are records that arrived. */
  readonly missing?: { readonly isolate: string; readonly from: number; readonly to: number }
}
