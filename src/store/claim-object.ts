import type { RecordingStore } from '../deliver/recording-store.ts'
import { RESERVED_PREFIX } from '../locate/location.ts'
import type { Binding } from '../recording.ts'

const claimKey = (recording: string): string => `${RESERVED_PREFIX}bindings/${recording}`

/** `RecordingStore.claimed` where {@link claimByObject} claims. */
export async function claimedByObject(
  { find }: Pick<RecordingStore, 'find'>,
  recording: string,
): Promise<Binding | null> {
  return (await find(claimKey(recording)))?.binding ?? null
}

/**
 * Claims a recording id by an empty object of its own, put where none is: `RecordingStore.claim` for every store
 * that can do that. Who comes second finds the object of who came first.
 */
export async function claimByObject(
  { find, put, stamped }: Pick<RecordingStore, 'find' | 'put' | 'stamped'>,
  recording: string,
  binding: Binding,
  places: readonly string[],
): Promise<Binding> {
  const key = claimKey(recording)
  // Read first: a recording of many parts claims for each of them, and stores take few writes to one key.
  const held = await find(key)
  if (held !== null) return held.binding
  // A recording that was stored by other means than ours is whose it is stamped to be.
  const [first = binding] = await stamped(places)
  const options = { size: 0, contentType: 'application/octet-stream', replaces: null }
  let fault: unknown
  const claimed = await put(key, null, { ...options, binding: first }).catch((error: unknown) => {
    fault = error
    return null
  })
  // Of many at once a store may fail all but the first, whose binding is in force then.
  const inForce = claimed ?? (await find(key))
  if (inForce === null) throw fault ?? new Error('the binding vanished while it was read')
  return inForce.binding
}
