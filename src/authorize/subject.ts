import type { Principal } from './decision.ts'

/** A person or service that acts for the subject of a token (RFC 8693 4.1). */
export interface Actor {
  /** The actor's id, unique only together with `issuer`. */
  readonly id: string
  readonly issuer: string
  /** The actor before: the one that this one got the token from. */
  readonly actor?: Actor
}

/** A verified token's facts, as far as anything beyond `authenticate/` sees them. The claims themselves stop there. */
export interface Subject extends Principal {
  /** What the token is known by in the log: its `jti`, or else a hash of its signed part; never its text. */
  readonly token: string
  readonly session?: string
  readonly release?: string
  /** The app that got the token: `client_id` (RFC 9068) or `azp`. */
  readonly client?: string
  /** The one that acts for the subject. Absent if the subject itself is who asks. */
  readonly actor?: Actor
}
