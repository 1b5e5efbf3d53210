/** The facts of a verified token that the rules see. */
export interface Principal {
  /** The subject's id, unique only together with `issuer`. */
  readonly id: string
  /** The `iss` of the token: a trusted issuer, compared to the letter. */
  readonly issuer: string
  readonly roles: readonly string[]
  readonly tenant?: string
  /**
   * True if the subject may read what belongs to any tenant: either the deployment has no tenants, or the subject has
   * none and its issuer may see them all.
   */
  readonly allTenants?: boolean
  /** False if the subject is never an owner, whatever its id: its ids are a name space of their own. */
  readonly owns?: false
}

/** A person or service that acts for the subject of a token (RFC 8693 4.1). */
export interface Actor {
  /** The actor's id, unique only together with `issuer`. */
  readonly id: string
  readonly issuer: string
  /** The prior actor, from which this one got the token. */
  readonly actor?: Actor
}

/** The facts of a verified token. The claims themselves never leave `authenticate/`. */
export interface Subject extends Principal {
  /** Identifies the token in the log: its `jti`, or else a hash of its signed part. Never the token itself. */
  readonly token: string
  /** When the token was issued, in seconds since 1970. Absent if it does not say so. */
  readonly issued?: number
  /** The issuer's entry that accepted the token. Absent if it is called as the issuer. */
  readonly entry?: string
  readonly session?: string
  readonly release?: string
  /** The app that the token was issued to: `client_id` (RFC 9068) or `azp`. */
  readonly client?: string
  /** Who acts for the subject. Absent if the subject sent the request itself. */
  readonly actor?: Actor
}

/**
 * Returns the name space in which a subject's id is unique: two subjects with one id in it are one person. That of an entry
 * whose subjects own nothing is its name and its issuer: the issuer alone is that of the owners.
 */
export function nameSpaceOf({ issuer, entry, owns }: Pick<Subject, 'issuer' | 'entry' | 'owns'>): string {
  return owns === false ? `${entry ?? issuer} ${issuer}` : issuer
}
