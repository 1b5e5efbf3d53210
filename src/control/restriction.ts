import { present } from '../base/present.ts'

/** What a restriction can be about. */
export const SCOPES = ['recording', 'subject', 'session', 'token', 'release', 'tenant', 'everything'] as const
/** One of {@link SCOPES}. */
export type Scope = (typeof SCOPES)[number]

/** Keeps requests from being permitted, and ends streams in flight. */
export interface Restriction {
  /** The number of the change that made it. Changes are numbered from 1, in the order in which they came into force. */
  readonly epoch: number
  /**
   * `lockdown`: an analyst or a rule stopped something, and a request that would be permitted is answered 403. `revocation`: a
   * session or token has ended, and its token is answered 401.
   */
  readonly kind: 'lockdown' | 'revocation'
  readonly scope: Scope
  /**
   * The recording's id, the release or the tenant; of a subject, session or token its pseudonym, under any key. Absent for
   * `everything`.
   */
  readonly value?: string
  /** It applies only to callers and recordings of this tenant. */
  readonly tenant?: string
  /** When it ends by itself, in milliseconds since 1970. */
  readonly until?: number
  /** Of a revoked subject: it refuses tokens that were issued at this time or before, in seconds since 1970. */
  readonly issued?: number
  /** Of `release` and `everything`: it stops storing, too. */
  readonly uploads?: true
}

/** A restriction that is to be made, and who wants it. */
export interface NewRestriction extends Omit<Restriction, 'epoch'> {
  /** When it was asked for, in milliseconds since 1970. */
  readonly at: number
  /** Pseudonym of the analyst; the id of the rule if a rule made it; the issuer's entry for a logout. */
  readonly by: string
  /** Why, in the analyst's words. Kept apart from everything else, and can be erased. */
  readonly reason?: string
  /** Id of the finding that it is for. */
  readonly finding?: string
}

/** A wish to undo a restriction that waits for a second person. */
export interface Proposal {
  /** Pseudonym of the analyst. */
  readonly by: string
  /** In milliseconds since 1970. */
  readonly at: number
  /** Why, in the analyst's words. */
  readonly reason?: string
}

/** A restriction in force, for those who may see who made it and why. */
export interface ListedRestriction extends NewRestriction {
  readonly epoch: number
  readonly proposed?: Proposal
}

/** A restriction came into force, or ended before its time. */
export type Change = Restriction | { readonly epoch: number; readonly undoes: number }

/** A change as it is stored: what every reader learns, and who made it. Its reason is apart from both. */
export interface StoredChange {
  readonly epoch: number
  /** The {@link Change} without its epoch, as JSON. */
  readonly change: string
  /** Who made it and when, as JSON. */
  readonly about: string
}

/** When a revocation ends, and which tokens it refuses. */
type Reach = Pick<Restriction, 'until' | 'issued'>

/** Returns a revocation that also refuses what an earlier one of the same login refuses, for as long as both. */
export function joined<Later extends Reach>(later: Later, earlier: Reach): Later {
  const { until: _, issued: __, ...rest } = later
  const reach = { until: latest(later.until, earlier.until), issued: latest(later.issued, earlier.issued) }
  return { ...rest, ...present(reach) } as Later
}

/** Undefined is later than all: no end, and tokens of any time. */
const latest = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? undefined : Math.max(one, other)

/** Splits a restriction that is to be stored. */
export function partsOf(restriction: NewRestriction): Omit<StoredChange, 'epoch'> & { reason?: string } {
  const { at, by, finding, reason, ...change } = restriction
  const about = { at, by, ...(finding !== undefined && { finding }) }
  return {
    change: JSON.stringify(change),
    about: JSON.stringify(about),
    ...(reason !== undefined && { reason }),
  }
}

/**
 * Returns what tells a change from others: by what it is, who made it and when, to the millisecond. Short, and no secret: it only
 * has to differ.
 */
export function markOf({ change, about }: Pick<StoredChange, 'change' | 'about'>): string {
  let [one, other] = [0x811c9dc5, 0x9747b28c]
  for (const character of change + about) {
    const code = character.codePointAt(0) ?? 0
    one = Math.imul(one ^ code, 0x01000193)
    other = Math.imul(other ^ code, 0x85ebca6b)
    other ^= other >>> 13
  }
  return [one, other].map(half => (half >>> 0).toString(16).padStart(8, '0')).join('')
}

/** Returns a stored change as readers learn it. */
export const changeOf = ({ epoch, change }: Pick<StoredChange, 'epoch' | 'change'>): Change => ({
  epoch,
  ...JSON.parse(change),
})
