import type { Ownership } from './recording.ts'
import type { RecordingStore } from './recording-store.ts'

/** A name that is looked for if nothing is there. No request leads to it, as no segment begins with a dot. */
const NOTHING = '.nothing'

/** How a store whose lists hold no metadata finds the stamp of an object below a prefix. */
export interface StampSearch {
  /** Returns one of the keys below the prefix, and always the same until something changes there. */
  readonly keyBelow: (prefix: string) => Promise<string | undefined>
  /** Returns whether the store can be asked for a key. */
  readonly isKey: (key: string) => boolean
}

/**
 * `RecordingStore.stampBelow` for a store whose lists hold no metadata: finds a key, then looks at its object. An object
 * that no request can name counts as one without an owner: a fault would show that it is there.
 */
export async function findStamp(
  store: Pick<RecordingStore, 'find'>,
  prefix: string,
  { keyBelow, isKey }: StampSearch,
): Promise<Ownership | null> {
  const key = await keyBelow(prefix)
  const named = key !== undefined && isKey(key)
  // One read less would show by its time that nothing is there.
  const part = await store.find(named ? key : prefix + NOTHING)
  if (named) return part === null ? null : part.ownership
  return key === undefined ? null : {}
}
