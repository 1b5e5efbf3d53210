/**
 * Every reason for which a request can be refused, grouped by the stage that refuses. The strings are stable: the log
 * contains them verbatim and analysts search for them, so they are only added, never renamed or reused. They are never
 * sent to the client.
 */
export const REASONS = {
  /** The gate doesn't serve this URL or this method. */
  locate: ['path_invalid', 'method_not_allowed'],
  /** The request has no usable bearer token (RFC 6750 2). */
  credential: [
    'token_missing',
    'token_malformed',
    'token_in_query',
    'token_too_long',
    // Two of the places that the configuration names hold different tokens.
    'token_ambiguous',
  ],
  /** The request has a token that was not accepted. */
  token: [
    'token_algorithm',
    'token_type',
    'token_key_unknown',
    'token_signature',
    'token_issuer',
    'token_audience',
    // The token was issued to a client that isn't listed.
    'token_client',
    // A claim has another value than the configuration requires.
    'token_claim_value',
    // The token came in the header or cookie of another issuer's entry.
    'token_place',
    'token_expired',
    'token_not_yet_valid',
    'token_too_old',
    'token_claim_missing',
    // The subject claim doesn't prove who is logged in: a launch context, or an address that wasn't verified.
    'token_subject',
    // An actor acts for the subject, and the issuer's entry doesn't set `allow_actor`.
    'token_actor',
    // The token is bound to a key, and came without a proof of it, or the issuer's entry permits no such tokens.
    'token_bound',
    // The issuer was asked, and the token isn't active: it has expired, was revoked, or was never issued (RFC 7662 2.2).
    'token_inactive',
    // The token isn't bound to a key, and the scheme (`DPoP`) or the issuer's entry requires that it is.
    'token_unbound',
    // The token is bound to another key than that of its proof.
    'token_key_mismatch',
    // The login that the token or ticket came from has ended, or the token itself was revoked.
    'token_revoked',
  ],
  /** The request's DPoP proof was not accepted (RFC 9449 4.3). */
  proof: ['proof_missing', 'proof_invalid', 'proof_replayed'],
  /** The request has a ticket that was not accepted: it isn't the gate's, it has expired, or it isn't valid for this. */
  ticket: ['ticket_invalid', 'ticket_expired', 'ticket_scope'],
  /** The subject is known, and the rules don't permit this. */
  policy: [
    'not_owner',
    'recording_unknown',
    'recording_unbound',
    'binding_conflict',
    'role_missing',
    'tenant_mismatch',
  ],
  /** The rules permit this, and a lockdown in force stops it. */
  lockdown: [
    'recording_quarantined',
    'subject_blocked',
    'session_revoked',
    'release_frozen',
    'tenant_frozen',
    'everything_frozen',
  ],
  /** A stored playlist refers to something outside its recording, or can't be read safely. */
  playlist: ['playlist_outside', 'playlist_invalid'],
  /** A stored object or an upload has a content coding (RFC 9110 8.4), so its byte positions mean nothing. */
  encoding: ['encoding_unsupported'],
  /** A recorder's upload can't be stored as it was sent. */
  upload: ['upload_invalid', 'upload_conflict'],
  /** The body of a request took too long to arrive, or its length is missing. */
  body: ['request_timeout', 'length_required'],
  /** An app's question about a list can't be understood. */
  question: ['question_invalid'],
  /** An issuer's word that a login has ended can't be taken. */
  logout: ['logout_invalid'],
  /** A parameter of the console's API is unknown, given twice, or has an invalid value. */
  query: ['query_invalid'],
  /** A fault of the gate or of what it depends on, never of the caller. */
  fault: [
    'keys_unavailable',
    // The issuer can't be asked about a token, or was asked too often.
    'introspection_unavailable',
    'store_unavailable',
    'owner_unavailable',
    'ledger_unavailable',
    // It can't be known which lockdowns are in force.
    'control_unavailable',
    // No more DPoP proofs can be remembered, so any other may have been used before.
    'proofs_full',
    // The doctor is at work, or was a moment ago.
    'doctor_busy',
    'gate_fault',
  ],
} as const

/** The stage at which a request was refused. */
export type Stage = keyof typeof REASONS

/** Why a request was refused. */
export type Reason = (typeof REASONS)[Stage][number]

const STAGE_OF = new Map<Reason, Stage>()
for (const [stage, reasons] of Object.entries(REASONS)) {
  for (const reason of reasons) STAGE_OF.set(reason, stage as Stage)
}

/** Returns whether a string is one of the reasons. */
export function isReason(name: string): name is Reason {
  return STAGE_OF.has(name as Reason)
}

/** Returns the stage that a reason belongs to. */
export function stageOf(reason: Reason): Stage {
  return STAGE_OF.get(reason) ?? 'fault'
}
