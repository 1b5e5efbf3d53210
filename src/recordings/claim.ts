import { type Binding, hasOwner, RESERVED_PREFIX } from './recording.ts'
import type { DamagedPart, RecordingStore, StoredPart } from './recording-store.ts'

type Reading = Pick<RecordingStore, 'find'>
type Claiming = Pick<RecordingStore, 'find' | 'put' | 'stamped'>

const claimKey = (recording: string): string => `${RESERVED_PREFIX}bindings/${recording}`

/** `RecordingStore.claimed` where {@link claimByObject} claims. */
export async function claimedByObject(store: Reading, recording: string): Promise<Binding | null> {
  const { binding } = (await findClaim(store, recording)) ?? {}
  return binding?.owner === undefined ? null : binding
}

/**
 * Claims a recording id by a small object of its own, put where none is: `RecordingStore.claim` for every store
 * that can do that. Who comes second finds the object of who came first.
 */
export async function claimByObject(
  store: Claiming,
  recording: string,
  binding: Binding,
  keyPrefixes: readonly string[],
  defaultIssuer?: string,
): Promise<Binding> {
  // Read first: a recording of many parts claims for each of them, and stores take few writes to one key.
  const found = await findClaim(store, recording)
  const held = ownedOnly(found?.binding, defaultIssuer)
  if (held !== null) return held
  const first = bindingToClaim(await store.stamped(keyPrefixes), binding, defaultIssuer)
  if (!hasOwner(first, defaultIssuer)) return first
  // What replaces a claim without an owner has bytes of its own: all empty objects share one entity tag, by which two
  // at once would both replace it.
  const bytes = new TextEncoder().encode(found === null ? '' : crypto.randomUUID())
  const options = {
    size: bytes.length,
    contentType: 'application/octet-stream',
    replaces: found?.etag ?? null,
    binding: first,
  }
  let fault: unknown
  const body = bytes.length === 0 ? null : new Blob([bytes]).stream()
  const claimed = await store.put(claimKey(recording), body, options).catch((error: unknown) => {
    fault = error
    return null
  })
  // Of many at once a store may fail all but the first, whose binding is in force then.
  const inForce = ownedOnly((claimed ?? (await findClaim(store, recording)))?.binding, defaultIssuer)
  if (inForce === null) throw fault ?? new Error('the binding vanished while it was read')
  return inForce
}

/**
 * The binding to claim for a recording that isn't claimed. One that was stored by other means than ours belongs to the
 * first owner that it is stamped with. Without an owner nothing is to be claimed.
 */
export function bindingToClaim(
  stamped: readonly Binding[],
  binding: Binding,
  defaultIssuer: string | undefined,
): Binding {
  return stamped.find(one => hasOwner(one, defaultIssuer)) ?? stamped[0] ?? binding
}

/** A claim without an owner binds to no person: it counts as absent. */
export function ownedOnly(claim: Binding | undefined, defaultIssuer: string | undefined): Binding | null {
  return claim !== undefined && hasOwner(claim, defaultIssuer) ? claim : null
}

/** @throws where the claim is damaged: it must not count as absent, or the recording could be bound to another owner */
async function findClaim(store: Reading, recording: string): Promise<StoredPart | null> {
  const found: StoredPart | DamagedPart | null = await store.find(claimKey(recording))
  if (found !== null && 'fault' in found) throw found.fault
  return found
}
