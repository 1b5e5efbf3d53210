/**
 * Every reason for which a request can be refused, grouped by the stage that refuses. The strings are stable: they
 * are logged verbatim and searched for by analysts, so one is only ever added, never renamed or reused. They are
 * never sent to the client.
 */
export const REASONS = {
  /** The URL or the method is not one that the gate serves. */
  locate: ['path_invalid', 'method_not_allowed'],
  /** No usable bearer token came with the request (RFC 6750 section 2). */
  credential: ['token_missing', 'token_malformed', 'token_in_query'],
  /** A token came and was not accepted. */
  token: [
    'token_algorithm',
    'token_type',
    'token_key_unknown',
    'token_signature',
    'token_issuer',
    'token_audience',
    'token_expired',
    'token_not_yet_valid',
    'token_too_old',
    'token_claim_missing',
    // Its subject claim doesn't prove who is logged in: a launch context, or an address that wasn't verified.
    'token_subject',
    // One acts for its subject, and its issuer's entry doesn't say `allow_actor`.
    'token_actor',
    // It is bound to a key of its sender, which isn't checked, and its issuer's entry doesn't say `allow_unbound`.
    'token_bound',
  ],
  /** A ticket came and was not accepted: it is none of ours, its time is over, or it is for something else. */
  ticket: ['ticket_invalid', 'ticket_expired', 'ticket_scope'],
  /** The subject is known and may not do this. */
  policy: [
    'not_owner',
    'recording_unknown',
    'recording_unbound',
    'binding_conflict',
    'role_missing',
    'tenant_mismatch',
  ],
  /** A stored playlist that leads out of its recording, or that can't be read safely. */
  playlist: ['playlist_outside', 'playlist_invalid'],
  /** A stored object, or an upload, is in a content coding (RFC 9110 8.4): no byte of it can be told from its place. */
  encoding: ['encoding_unsupported'],
  /** A recorder's upload cannot be stored as it was sent. */
  upload: ['upload_invalid', 'upload_conflict'],
  /** The body of a request took too long to come, or would come without saying how long it is. */
  body: ['request_timeout', 'length_required'],
  /** What an app asks about a list can't be understood. */
  question: ['question_invalid'],
  /** A parameter of the console's API is unknown, given twice, or has no value that it can have. */
  query: ['query_invalid'],
  /** A fault of ours, never blamed on the caller. */
  fault: ['keys_unavailable', 'store_unavailable', 'owner_unavailable', 'ledger_unavailable', 'gate_fault'],
} as const

/** The stage at which a request was refused. */
export type Stage = keyof typeof REASONS

/** Why a request was refused. */
export type Reason = (typeof REASONS)[Stage][number]

const STAGE_OF = new Map<Reason, Stage>()
for (const [stage, reasons] of Object.entries(REASONS)) {
  for (const reason of reasons) STAGE_OF.set(reason, stage as Stage)
}

/** The stage that a reason belongs to. */
export function stageOf(reason: Reason): Stage {
  return STAGE_OF.get(reason) ?? 'fault'
}
