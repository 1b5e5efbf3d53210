import { nameSpaceOf, type Subject } from '../authorize/subject.ts'
import { Refusal } from '../refusal.ts'
import { refuseAudience } from './audience.ts'
import type { Claims } from './claim-value.ts'
import { type Entry, resolveEntries } from './entry.ts'
import { idIn } from './identity.ts'
import type { Issuer } from './issuer.ts'
import type { KeySource } from './keys/key-source.ts'
import { TokenRefusal } from './token-refusal.ts'

/** An issuer's entry together with the source of its keys. */
export interface TrustedEntry extends Entry {
  readonly keys: KeySource
}

/** The issuers of one gate, by their entries. */
export class TrustedIssuers {
  /** The names of all issuers, as `iss` has them. */
  readonly names: ReadonlySet<string>
  /** The names of the issuers whose subjects can be owners. */
  readonly owning: ReadonlySet<string>
  /** All entries, in the order of the configuration. */
  readonly entries: readonly TrustedEntry[]
  readonly #byIssuer: ReadonlyMap<string, readonly TrustedEntry[]>

  constructor(issuers: readonly Issuer[], keysOf: (entry: Entry) => KeySource) {
    this.entries = resolveEntries(issuers).map(entry => ({ ...entry, keys: keysOf(entry) }))
    this.#byIssuer = Map.groupBy(this.entries, ({ issuer }) => issuer)
    this.names = new Set(this.#byIssuer.keys())
    this.owning = new Set(this.entries.flatMap(({ issuer, owns }) => (owns ? issuer : [])))
  }

  /**
   * Chooses the entry that a token is for. What it says is not verified yet: the entry's own keys and rules will be
   * applied to it, so a lie leads nowhere.
   */
  entryFor(payload: Claims): TrustedEntry | Refusal {
    const entries = typeof payload.iss === 'string' ? this.#byIssuer.get(payload.iss) : undefined
    return chooseEntry(entries ?? [], payload)
  }

  /** Returns the id of an owner, as a token of its issuer has it. */
  ownerId(issuer: string, id: string): string {
    const entry = this.#byIssuer.get(issuer)?.find(({ owns }) => owns)
    return entry === undefined ? id : idIn(id, entry.subject_claim ?? 'sub')
  }

  /**
   * Returns the name space of the people of an issuer whose subjects can be owners, or of an entry whose subjects own
   * nothing. Undefined if the name is of neither, or of several.
   */
  nameSpaceOf(name: string): string | undefined {
    if (this.owning.has(name)) return name
    const spaces = this.entries.flatMap(({ issuer, name: entry, owns }) =>
      !owns && [entry, `${entry} ${issuer}`].includes(name) ? nameSpaceOf({ issuer, entry, owns }) : [],
    )
    return new Set(spaces).size === 1 ? spaces[0] : undefined
  }

  /** Returns the name spaces in which people of an issuer have pseudonyms: its own, and those of entries whose subjects own nothing. */
  spacesOf(issuer: string): readonly string[] {
    const entries = this.#byIssuer.get(issuer) ?? []
    const others = entries.flatMap(({ name: entry, owns }) =>
      owns ? [] : nameSpaceOf({ issuer, entry, owns: false }),
    )
    return [...new Set([issuer, ...others])]
  }

  /** Returns the entry that a subject's token was accepted by. Undefined if it is no longer trusted. */
  entryOf({ issuer, entry = issuer }: Subject): TrustedEntry | undefined {
    return this.#byIssuer.get(issuer)?.find(({ name }) => name === entry)
  }
}

/** Chooses the entry that a token is for among those of its issuer. */
export function chooseEntry(entries: readonly TrustedEntry[], payload: Claims): TrustedEntry | Refusal {
  const [first] = entries
  if (first === undefined) return new Refusal('token_issuer')
  if (entries.length === 1) return first
  const [fitting, another] = entries.filter(entry => refuseAudience(payload, entry) === undefined)
  // A token that fits two entries may be a patient's by one and not by the other.
  if (fitting === undefined || another !== undefined) {
    return new TokenRefusal('token_audience', { entry: first.issuer })
  }
  return fitting
}
