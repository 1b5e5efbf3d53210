import { StorageFault } from '../base/storage-fault.ts'
import { withTimeout } from '../base/timeout.ts'
import { Fault } from '../refusal.ts'
import { type Binding, isSameOwner, type ObjectRef, withDefaultIssuer } from './recording.ts'

/** Asks whose a recording is. */
export interface OwnerQuestion {
  readonly ref: ObjectRef
  /** What each object that is looked at is stamped with. Empty if nothing is there. */
  readonly stamps: readonly Binding[]
  /** The issuer of an owner that is named without one. Undefined if several issuers are trusted. */
  readonly defaultIssuer: string | undefined
}

/**
 * Port: says whose recordings are.
 *
 * - Resolves to one owner for each stamp, in their order. An owner without an id is nobody: such a recording is refused to
 *   everyone.
 * - Rejects if it can't tell. The gate answers 503 then, and to a caller that isn't the owner no differently than to the
 *   owner.
 * - Is asked alike whether something is there or not, so that its time says nothing. The gate waits a second for it.
 * - Must not depend on the code that lists recordings: it is what stands when that code is wrong.
 */
export interface OwnerSource {
  ownersOf(question: OwnerQuestion): readonly Binding[] | Promise<readonly Binding[]>
}

/**
 * Looks up whose a recording is, in a database for example. Resolves to null if that isn't known.
 *
 * @param ref `recording` is the id, `part` the part of it that is asked for, `key` the key of the object
 */
export type OwnerLookup = (ref: ObjectRef) => Promise<Binding | null | undefined>

/** Owners as the objects themselves are stamped: the default. */
export const stampedOwners: OwnerSource = { ownersOf: ({ stamps }) => stamps }

/** Creates an owner source of a function. It is asked once for each recording of a request. */
export function lookupOwners(lookup: OwnerLookup): OwnerSource {
  return {
    async ownersOf({ ref, stamps, defaultIssuer }) {
      const owner = withDefaultIssuer(narrowOwner(await lookup(ref)), defaultIssuer)
      return stamps.map(() => owner)
    },
  }
}

/**
 * Creates an owner source that several must agree on: in the owner's id, issuer and tenant. If one of them knows no owner,
 * or they name different ones, the recording has none. They are asked at once.
 *
 * @param sources at least two; a function is a lookup
 */
export function agreeing(...sources: readonly (OwnerSource | OwnerLookup)[]): OwnerSource {
  const all = sources.map(asOwnerSource)
  return {
    async ownersOf(question) {
      const answers = await Promise.all(all.map(source => source.ownersOf(question)))
      return question.stamps.map((_, index) => agreed(answers.map(owners => owners[index] ?? {})))
    },
  }
}

function agreed(owners: readonly Binding[]): Binding {
  const named = owners.filter(({ owner }) => owner !== undefined)
  const [first, ...others] = named
  if (first === undefined) return {}
  if (!others.every(other => isSameOwner(first, other))) return { disputed: true }
  return named.length === owners.length ? first : {}
}

/** How long the gate waits for an owner source, in milliseconds. */
const DEADLINE = 1000

/** The owner source of one gate, with its deadline. */
export class Owners {
  readonly #source: OwnerSource
  readonly #defaultIssuer: string | undefined

  /** @param defaultIssuer the only issuer, if there is but one */
  constructor(source: OwnerSource | OwnerLookup = stampedOwners, defaultIssuer?: string) {
    this.#source = asOwnerSource(source)
    this.#defaultIssuer = defaultIssuer
  }

  /**
   * Returns the owner of each object.
   *
   * @param stamped what the objects are stamped with; empty if nothing is there
   * @throws Fault `owner_unavailable` if the source fails, or takes too long
   */
  async of(ref: ObjectRef, stamped: readonly Binding[]): Promise<readonly Binding[]> {
    const defaultIssuer = this.#defaultIssuer
    const stamps = stamped.map(stamp => withDefaultIssuer(stamp, defaultIssuer))
    if (this.#source === stampedOwners) return stamps
    try {
      const asked = Promise.resolve(this.#source.ownersOf({ ref, stamps, defaultIssuer }))
      const owners = await withTimeout(DEADLINE, asked)
      if (owners.length === stamps.length) return owners
      throw new StorageFault('the owner source must answer one owner for each stamp')
    } catch (error) {
      // What else an error says is not ours to log: there may be a password in it.
      const fault = new StorageFault(`the owner source failed, or took longer than ${DEADLINE} ms`)
      throw new Fault('owner_unavailable', error instanceof StorageFault ? error : fault)
    }
  }
}

function asOwnerSource(source: OwnerSource | OwnerLookup): OwnerSource {
  return typeof source === 'function' ? lookupOwners(source) : source
}

const isId = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= MAX_ID
const isAbsent = (value: unknown): boolean => value === undefined || value === null
const MAX_ID = 255

/**
 * Narrows what a lookup answered, which may come from a database as it is.
 *
 * @throws StorageFault if it is not an owner: a number that is compared with a string would match nobody, or somebody else
 */
function narrowOwner(answer: unknown): Binding {
  if (isAbsent(answer)) return {}
  const { owner, issuer, tenant } = answer as Readonly<Record<keyof Binding, unknown>>
  if (!isId(owner) || ![issuer, tenant].every(one => isAbsent(one) || isId(one))) {
    throw new StorageFault(
      'the owner lookup must answer null, or an owner (and, if need be, an issuer and a tenant), each a string of 1 to 255 characters',
    )
  }
  return { owner, ...(isId(issuer) && { issuer }), ...(isId(tenant) && { tenant }) }
}
