import type { Reason } from '../reason.ts'
import type { Changes } from './control.ts'
import { joined, type Restriction, type Scope } from './restriction.ts'

/** What a request is for. */
export type Use = 'play' | 'store'

/** Whom and what a request is about, in the names that restrictions have for it. */
export interface Concerned {
  readonly recording: string | undefined
  readonly release: string | undefined
  /** The caller's tenant and the recording's, as far as there are any. */
  readonly tenants: readonly string[]
  /** Pseudonyms of the caller under every key. */
  readonly subjects: readonly string[]
  /** Pseudonyms of those who act for the caller. */
  readonly actors: readonly string[]
  readonly sessions: readonly string[]
  readonly tokens: readonly string[]
  /** When the token was issued, in seconds since 1970. */
  readonly issued: number | undefined
}

/** Why a request is refused that a lockdown in force stops. */
const LOCKED: Readonly<Record<Scope, Reason>> = {
  recording: 'recording_quarantined',
  subject: 'subject_blocked',
  session: 'session_revoked',
  token: 'session_revoked',
  release: 'release_frozen',
  tenant: 'tenant_frozen',
  everything: 'everything_frozen',
}

/** How often restrictions are dropped that have ended by themselves, in milliseconds. */
const SWEEP = 60_000
/** A clock may be ahead for a while: what has ended by it is kept for so long, in milliseconds. */
const MARGIN = 300_000
/** Stands for `everything`, which has no value. */
const ALL = ['']

/**
 * The restrictions that one isolate knows of. A check takes a few lookups, however many there are: a provider of logins may
 * end a hundred thousand sessions a day.
 */
export class Restrictions {
  readonly #lockdowns = new Index()
  readonly #revocations = new Index()
  readonly #byEpoch = new Map<number, Restriction>()
  #epoch = 0
  #mark: string | undefined
  #sweptAt = 0

  /** Up to which epoch changes were taken over. */
  get epoch(): number {
    return this.#epoch
  }

  /** Returns whether something was dropped that has not ended at this time: the clock was set back since. */
  mayLack(now: number): boolean {
    return now < this.#sweptAt - MARGIN
  }

  /** The mark of the change with that epoch, if it is known. */
  get mark(): string | undefined {
    return this.#mark
  }

  /** Whether a check may find something that depends on who asks. Otherwise a caller needs no pseudonyms. */
  get concernsPeople(): boolean {
    return this.#lockdowns.concernsPeople || this.#revocations.concernsPeople
  }

  /** Takes over what changed after {@link epoch}, by rising epoch. A page that was asked for after another epoch must not come here. */
  apply({ changes, epoch, mark }: Pick<Changes, 'changes' | 'epoch' | 'mark'>, now: number): void {
    for (const change of changes) {
      if ('undoes' in change) this.#remove(change.undoes)
      else this.#add(change, now)
    }
    this.#mark = mark ?? (epoch === this.#epoch ? this.#mark : undefined)
    this.#epoch = epoch
    if (now - this.#sweptAt < SWEEP) return
    this.#sweptAt = now
    for (const { epoch, until } of this.#byEpoch.values()) {
      if (until !== undefined && until + MARGIN <= now) this.#remove(epoch)
    }
  }

  /** Returns why a request that would be permitted is refused. Undefined if no lockdown in force is about it. */
  lockdownOf(concerned: Concerned, use: Use, now: number): Reason | undefined {
    const found = this.#lockdowns.find(
      concerned,
      one =>
        isInForce(one, concerned, now) &&
        (use === 'play' || one.uploads === true || (one.scope !== 'release' && one.scope !== 'everything')),
    )
    return found && LOCKED[found.scope]
  }

  /** Returns whether the login of a caller has ended. */
  isRevoked(concerned: Concerned, now: number): boolean {
    const found = this.#revocations.find(
      concerned,
      one =>
        isInForce(one, concerned, now) &&
        // A token that doesn't say when it was issued may be older.
        (one.issued === undefined || concerned.issued === undefined || concerned.issued <= one.issued),
    )
    return found !== undefined
  }

  #add(restriction: Restriction, now: number): void {
    let added = restriction
    if (restriction.kind === 'revocation') {
      for (const earlier of [...this.#revocations.of(restriction)]) {
        this.#remove(earlier.epoch)
        if (!hasEnded(earlier, now)) added = joined(added, earlier)
      }
    }
    this.#byEpoch.set(added.epoch, added)
    this.#indexOf(added).add(added)
  }

  #remove(epoch: number): void {
    const restriction = this.#byEpoch.get(epoch)
    if (restriction === undefined) return
    this.#byEpoch.delete(epoch)
    this.#indexOf(restriction).remove(restriction)
  }

  #indexOf({ kind }: Restriction): Index {
    return kind === 'lockdown' ? this.#lockdowns : this.#revocations
  }
}

const hasEnded = ({ until }: Restriction, now: number): boolean => until !== undefined && until <= now

function isInForce(restriction: Restriction, { tenants }: Concerned, now: number): boolean {
  const { tenant } = restriction
  return !hasEnded(restriction, now) && (tenant === undefined || tenants.includes(tenant))
}

/** Restrictions by scope and value. */
class Index {
  readonly #scopes = new Map<Scope, Map<string, Restriction[]>>()

  get concernsPeople(): boolean {
    return this.#scopes.has('subject') || this.#scopes.has('session') || this.#scopes.has('token')
  }

  add(restriction: Restriction): void {
    const { scope, value = '' } = restriction
    const values = this.#scopes.get(scope) ?? new Map<string, Restriction[]>()
    this.#scopes.set(scope, values)
    const all = values.get(value)
    if (all === undefined) values.set(value, [restriction])
    else all.push(restriction)
  }

  /** Returns those of the same scope and value. */
  of({ scope, value = '' }: Restriction): readonly Restriction[] {
    return this.#scopes.get(scope)?.get(value) ?? []
  }

  remove({ epoch, scope, value = '' }: Restriction): void {
    const values = this.#scopes.get(scope)
    const left = values?.get(value)?.filter(one => one.epoch !== epoch) ?? []
    if (left.length > 0) values?.set(value, left)
    else values?.delete(value)
    if (values?.size === 0) this.#scopes.delete(scope)
  }

  find(concerned: Concerned, isMeant: (one: Restriction) => boolean): Restriction | undefined {
    for (const [scope, values] of this.#scopes) {
      for (const value of valuesOf(scope, concerned)) {
        const found = values.get(value)?.find(isMeant)
        if (found !== undefined) return found
      }
    }
    return undefined
  }
}

function valuesOf(scope: Scope, concerned: Concerned): readonly string[] {
  switch (scope) {
    case 'recording':
      return concerned.recording === undefined ? [] : [concerned.recording]
    case 'release':
      return concerned.release === undefined ? [] : [concerned.release]
    case 'tenant':
      return concerned.tenants
    case 'subject':
      return concerned.actors.length > 0 ? [...concerned.subjects, ...concerned.actors] : concerned.subjects
    case 'session':
      return concerned.sessions
    case 'token':
      return concerned.tokens
    case 'everything':
      return ALL
  }
}
