/**
 * Something was locked down, or a login ended. `subject` is the analyst, the service that ended the login, or absent if the
 * issuer or a rule did it. If `scope` is `recording` or `release`, the head names it, too.
 */
export interface LockdownFacts {
  readonly kind: 'lockdown'
  readonly decision: 'permit'
  /**
   * `add`: it is in force since before this record. `undo`: it ends. `propose_undo`: it ends if a second person asks for the
   * same. `revoke`: a login ended by a call of the gate. `logout`: one ended because its issuer says so. `erase_reason`: why it
   * was added is forgotten.
   */
  readonly action: 'add' | 'undo' | 'propose_undo' | 'revoke' | 'logout' | 'erase_reason'
  /** The number of the restriction. */
  readonly epoch: number
  readonly scope?: string
  /** The recording, release or tenant; of a subject, session or token its pseudonym. */
  readonly target?: string
  /** The only tenant that it is about. */
  readonly within?: string
  /** When it ends by itself, UTC. */
  readonly until?: string
  /** True if it stops storing, too. */
  readonly uploads?: true
  /** SHA-256 of why, hexadecimal. The words are kept apart from the log, and can be erased. */
  readonly reason_sha256?: string
  /** Id of the finding that it is for. */
  readonly finding?: string
}

/**
 * A release of the app is out, as the team says: so a rise of refusals can be tied to it. The head names it, and `subject` is who
 * said so.
 */
export interface ReleaseFacts {
  readonly kind: 'release'
  readonly decision: 'permit'
}
