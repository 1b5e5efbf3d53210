/** The prefix of the gate's own objects in a bucket. No id and no segment begins with a dot, so no request leads there. */
export const RESERVED_PREFIX = '.mediaward/'

/** The key of the object that `mediaward doctor` writes, to see whether the store takes it and gives it back. */
export const PROBE_KEY: string = `${RESERVED_PREFIX}doctor`

/**
 * To whom a recording is bound: the facts stamped on the stored object itself when it was recorded, independent of
 * any list that an app keeps. An absent member is absent, never an empty string.
 */
export interface Ownership {
  /** Subject id of the patient (object metadata `mw-owner`). Without it the recording can't be played. */
  readonly owner?: string
  /** The issuer in whose name space `owner` is an id (`mw-issuer`). */
  readonly issuer?: string
  /** The tenant that the recording belongs to (`mw-tenant`). */
  readonly tenant?: string
  /** The consultation that was recorded (`mw-consultation`): for people, no rule reads it. */
  readonly consultation?: string
  /** True if the sources of owners disagree. The recording has no owner then. */
  readonly disputed?: true
}

/** Returns whether two owners are one: in id, issuer and tenant. */
export function isSameOwner(one: Ownership, other: Ownership): boolean {
  return one.owner === other.owner && one.issuer === other.issuer && one.tenant === other.tenant
}

/** A reference to one part of one recording, with the store's key for it. */
export interface ObjectRef {
  /** The recording's id: 1 to 128 of `A-Z a-z 0-9 . _ -`, a letter or digit first and last, no `..`. */
  readonly recording: string
  /** The part below the recording, with `/` between segments; absent if the recording is one file. */
  readonly part?: string
  /** The key of the stored object. Made only of what was checked. */
  readonly key: string
}

/** Returns whether a recording has an owner. An id without the issuer that gave it names no person. */
export function hasOwner(ownership: Ownership, defaultIssuer: string | undefined): boolean {
  const { owner, issuer } = withDefaultIssuer(ownership, defaultIssuer)
  return owner !== undefined && issuer !== undefined
}

/** Returns the ownership with an issuer: if none is stamped, the only one that is trusted. */
export function withDefaultIssuer(ownership: Ownership, defaultIssuer: string | undefined): Ownership {
  return ownership.issuer !== undefined || defaultIssuer === undefined
    ? ownership
    : { ...ownership, issuer: defaultIssuer }
}
