import { present } from '../base/present.ts'
import { StorageFault } from '../base/storage-fault.ts'
import { withTimeout } from '../base/timeout.ts'
import { Fault } from '../refusal.ts'
import { isSameOwner, type ObjectRef, type Ownership, withDefaultIssuer } from './recording.ts'

/** Asks who owns a recording. */
export interface OwnerQuestion {
  readonly ref: ObjectRef
  /** The owner stamped on each object that the gate looks at, with the default issuer. Empty if nothing is there. */
  readonly stamps: readonly Ownership[]
  /** The issuer of an owner that is named without one. Undefined if the gate trusts several issuers. */
  readonly defaultIssuer: string | undefined
}

/**
 * Port: says who owns recordings.
 *
 * - Resolves to one owner for each stamp, in their order. If an owner has no id, the recording has no owner, and the gate
 *   refuses it to every caller.
 * - Rejects if it can't say who the owner is. The gate then answers 503, to the owner and to every other caller.
 * - Is asked equally often whether something is there or not, so that the time of an answer doesn't give that away. The
 *   gate waits one second.
 * - Must not depend on the code that lists recordings: it protects them when that code is wrong.
 */
export interface OwnerSource {
  ownersOf(question: OwnerQuestion): readonly Ownership[] | Promise<readonly Ownership[]>
}

/**
 * Looks up who owns a recording, for example in a database. Resolves to null if the recording has no known owner.
 *
 * An owner without an issuer belongs to the only issuer. With several issuers it must name one, or the recording has no
 * owner.
 *
 * @param ref `recording` is the id, `part` the part of it that is asked for, `key` the key of the object
 */
export type OwnerLookup = (ref: ObjectRef) => Promise<Ownership | null | undefined>

/** Says that the owners are those stamped on the objects. The default. */
export const stampedOwners: OwnerSource = { ownersOf: ({ stamps }) => stamps }

/** Creates an owner source from a function. The gate calls it once for each recording of a request. */
export function lookupOwners(lookup: OwnerLookup): OwnerSource {
  return {
    async ownersOf({ ref, stamps, defaultIssuer }) {
      const owner = withDefaultIssuer(narrowOwner(await lookup(ref)), defaultIssuer)
      return stamps.map(() => owner)
    },
  }
}

type Source = OwnerSource | OwnerLookup

/**
 * Creates an owner source from several that must agree on the owner's id, issuer and tenant. If they name different
 * owners, or one of them knows none, the recording has no owner. It asks all of them at the same time, and rejects if one
 * of them does.
 *
 * @param sources a function is a lookup
 */
export function agreeing(...sources: readonly [Source, Source, ...Source[]]): OwnerSource {
  const all = sources.map(asOwnerSource)
  return {
    async ownersOf(question) {
      // Async, so that a source that throws leaves no rejection of another unhandled: that would end a Node process.
      const answers = await Promise.all(all.map(async source => source.ownersOf(question)))
      return question.stamps.map((_, index) => agreed(answers.map(owners => owners[index] ?? {})))
    },
  }
}

function agreed(owners: readonly Ownership[]): Ownership {
  const named = owners.filter(({ owner }) => owner !== undefined)
  const [first, ...others] = named
  const isDisputed = owners.some(({ disputed }) => disputed === true)
  if (isDisputed || (first && !others.every(other => isSameOwner(first, other)))) return { disputed: true }
  return first !== undefined && named.length === owners.length ? first : {}
}

/** How long the gate waits for an owner source, in milliseconds. */
const DEADLINE = 1000

/** The owner source of one gate, with its deadline. */
export class Owners {
  readonly #source: OwnerSource
  readonly #defaultIssuer: string | undefined

  /** @param defaultIssuer the only issuer; undefined if the gate trusts several */
  constructor(source: Source = stampedOwners, defaultIssuer?: string) {
    this.#source = asOwnerSource(source)
    this.#defaultIssuer = defaultIssuer
  }

  /** Whether the owners are those stamped on the objects, and nothing is asked. */
  get areStamped(): boolean {
    return this.#source === stampedOwners
  }

  /**
   * Returns the owner of each object.
   *
   * @param stamped the owner stamped on each object; empty if nothing is there
   * @throws Fault `owner_unavailable` if the source fails or takes too long
   */
  async of(ref: ObjectRef, stamped: readonly Ownership[]): Promise<readonly Ownership[]> {
    const defaultIssuer = this.#defaultIssuer
    const stamps = stamped.map(stamp => withDefaultIssuer(stamp, defaultIssuer))
    if (this.areStamped) return stamps
    return withTimeout(DEADLINE, this.#ask({ ref, stamps, defaultIssuer })).catch((error: unknown) => {
      const late = new StorageFault(`the owner source took longer than ${DEADLINE} ms`)
      throw new Fault('owner_unavailable', error instanceof StorageFault ? error : late)
    })
  }

  /** @throws StorageFault if the source fails */
  async #ask(question: OwnerQuestion): Promise<readonly Ownership[]> {
    try {
      const owners = await this.#source.ownersOf(question)
      if (owners.length === question.stamps.length) return owners
      throw new StorageFault('the owner source must answer one owner for each stamp')
    } catch (error) {
      // Any other error stays out of the log: there may be a password or a patient in its message.
      throw error instanceof StorageFault ? error : new StorageFault('the owner source failed')
    }
  }
}

function asOwnerSource(source: Source): OwnerSource {
  return typeof source === 'function' ? lookupOwners(source) : source
}

const MAX_OWNER_LENGTH = 255
const isId = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_OWNER_LENGTH
/** An empty string is absent, as it is in a stamp: it must never equal another one. */
const isAbsent = (value: unknown): boolean => value === undefined || value === null || value === ''

/**
 * Narrows what a lookup resolved to, which may be a row as a database gave it.
 *
 * @throws StorageFault for anything but an owner or null: a list of rows, or a number, which would never equal the id in a
 *   token
 */
function narrowOwner(answer: unknown): Ownership {
  if (answer === undefined || answer === null) return {}
  const { owner, issuer, tenant } = answer as Readonly<Record<keyof Ownership, unknown>>
  const isValid = [owner, issuer, tenant].every(member => isAbsent(member) || isId(member))
  if (!isValid || !('owner' in Object(answer))) {
    throw new StorageFault(
      `the owner lookup must resolve to null or to an object with owner and, if need be, issuer and tenant, each a string of up to ${MAX_OWNER_LENGTH} characters`,
    )
  }
  const id = (value: unknown) => (isId(value) ? value : undefined)
  return present({ owner: id(owner), issuer: id(issuer), tenant: id(tenant) })
}
