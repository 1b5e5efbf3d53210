import type { Binding } from '../recordings/recording.ts'
import type { RecordingStore } from '../recordings/recording-store.ts'

/** Looked for where nothing is. No request leads there, as no segment begins with a dot. */
const NOTHING = '.nothing'

/**
 * `RecordingStore.stamped` for a store whose lists tell no bindings: one object below a prefix is looked at.
 *
 * @param isKey whether the store can be asked for a key. An object that no request can name counts as one without an
 *   owner: a fault would tell that it is there
 * @param keyBelow one of the keys below a prefix that ends in `/`
 */
export async function stampedByFinding(
  store: Pick<RecordingStore, 'find'>,
  keyPrefixes: readonly string[],
  isKey: (key: string) => boolean,
  keyBelow: (prefix: string) => Promise<string | undefined>,
): Promise<readonly Binding[]> {
  const found = await Promise.all(
    keyPrefixes.map(async ref => {
      const key = ref.endsWith('/') ? await keyBelow(ref) : ref
      const named = key !== undefined && isKey(key)
      // One read less would tell by its time that nothing is there.
      const part = await store.find(named ? key : ref + NOTHING)
      if (named) return part === null ? [] : [part.binding]
      return key === undefined ? [] : [{}]
    }),
  )
  return found.flat()
}
