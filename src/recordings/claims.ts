import { hasOwner, type Ownership, RESERVED_PREFIX } from './recording.ts'
import { DamagedPart, type RecordingStore, type StoredPart } from './recording-store.ts'

/**
 * Looks at what a recording has at its locations: one object at each.
 *
 * @param keyPrefixes a key, or a string that ends in `/`, which means one of the objects whose keys begin with it
 * @returns the stamps of the objects that are there, in the order of `keyPrefixes`
 */
export async function stampsAt(
  store: Pick<RecordingStore, 'find' | 'stampBelow'>,
  keyPrefixes: readonly string[],
): Promise<readonly Ownership[]> {
  const found = await Promise.all(
    keyPrefixes.map(async prefix =>
      prefix.endsWith('/') ? store.stampBelow(prefix) : ((await store.find(prefix))?.ownership ?? null),
    ),
  )
  return found.filter(stamp => stamp !== null)
}

/** An id that is about to be bound to an owner. */
export interface NewClaim {
  readonly ownership: Ownership
  /** Who names the owner: the recorder that uploads, or the stamp of an object that was stored by other means. */
  readonly source: 'upload' | 'object'
  /** What the claim says that this one replaces, which has no owner that the gate can name. Undefined if there is none. */
  readonly replaces: Ownership | undefined
}

/** Called with a claim right before it is made, and waited for. If it rejects, nothing is claimed. */
export type AnnounceClaim = (claim: NewClaim) => Promise<void>

/**
 * Claims of recording ids: each binds an id to an owner for good, for all parts of the recording. A claim is a small
 * object of its own, put if none is there, so that of two recorders at once the second finds the claim of the first.
 */
export class Claims {
  readonly #store: Pick<RecordingStore, 'find' | 'put' | 'stampBelow'>
  readonly #defaultIssuer: string | undefined

  /** @param defaultIssuer the only issuer, if there is but one */
  constructor(store: Pick<RecordingStore, 'find' | 'put' | 'stampBelow'>, defaultIssuer?: string) {
    this.#store = store
    this.#defaultIssuer = defaultIssuer
  }

  /** Returns the owner that a recording id is claimed for. Null if it isn't claimed. */
  async find(recording: string): Promise<Ownership | null> {
    return this.#ownedOnly((await this.#find(recording))?.ownership)
  }

  /**
   * Claims a recording id, and returns the owner in force: the one claimed before, else the first that the recording is
   * stamped with at `keyPrefixes`, else the given one. If there are objects but none has an owner, it claims nothing and
   * returns what they are stamped with.
   */
  async claim(
    recording: string,
    ownership: Ownership,
    keyPrefixes: readonly string[],
    announce: AnnounceClaim = async () => {},
  ): Promise<Ownership> {
    // Read first: a recording of many parts claims for each of them, and stores take few writes to one key.
    const found = await this.#find(recording)
    const held = this.#ownedOnly(found?.ownership)
    if (held !== null) return held
    const stamps = await stampsAt(this.#store, keyPrefixes)
    // What was stored by other means than the gate's belongs to the first owner that it is stamped with.
    const stamp = stamps.find(stamp => hasOwner(stamp, this.#defaultIssuer)) ?? stamps[0]
    const first = stamp ?? ownership
    if (!hasOwner(first, this.#defaultIssuer)) return first
    const source = stamp === undefined ? 'upload' : 'object'
    await announce({ ownership: first, source, replaces: found?.ownership })
    return this.#put(recording, first, found)
  }

  async #put(recording: string, ownership: Ownership, found: StoredPart | null): Promise<Ownership> {
    // What replaces a claim without an owner has bytes of its own: all empty objects share one entity tag, by which two
    // recorders at once would both replace it.
    const bytes = new TextEncoder().encode(found === null ? '' : crypto.randomUUID())
    const options = {
      size: bytes.length,
      contentType: 'application/octet-stream',
      replaces: found?.etag ?? null,
      ownership,
    }
    let fault: unknown
    const body = bytes.length === 0 ? null : new Blob([bytes]).stream()
    const claimed = await this.#store.put(claimKey(recording), body, options).catch((error: unknown) => {
      fault = error
      return null
    })
    // Of many at once a store may fail all but the first, whose claim is in force then.
    const inForce = this.#ownedOnly((claimed ?? (await this.#find(recording)))?.ownership)
    if (inForce === null) throw fault ?? new Error('the claim vanished while it was read')
    return inForce
  }

  /** @throws StorageFault if the claim is damaged: it must not count as absent, or another owner could claim the id */
  async #find(recording: string): Promise<StoredPart | null> {
    const found = await this.#store.find(claimKey(recording))
    if (found instanceof DamagedPart) throw found.fault
    return found
  }

  /** A claim without an owner binds to no person: it counts as absent. */
  #ownedOnly(claim: Ownership | undefined): Ownership | null {
    return claim !== undefined && hasOwner(claim, this.#defaultIssuer) ? claim : null
  }
}

const claimKey = (recording: string): string => `${RESERVED_PREFIX}bindings/${recording}`
