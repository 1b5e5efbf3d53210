import type { Binding } from '../recordings/recording.ts'
import type { RecordingStore } from '../recordings/recording-store.ts'

/** A name that is looked for if nothing is there. No request leads to it, as no segment begins with a dot. */
const NOTHING = '.nothing'

/**
 * `RecordingStore.stamped` for a store whose lists hold no metadata: one object below a prefix is looked at.
 *
 * @param isKey whether the store can be asked for a key. An object that no request can name counts as one without an
 *   owner: a fault would tell that it is there
 * @param keyBelow one of the keys below a prefix that ends in `/`
 */
export async function stampedByFinding(
  { find }: Pick<RecordingStore, 'find'>,
  keyPrefixes: readonly string[],
  isKey: (key: string) => boolean,
  keyBelow: (prefix: string) => Promise<string | undefined>,
): Promise<readonly Binding[]> {
  const found = await Promise.all(
    keyPrefixes.map(async ref => {
      const key = ref.endsWith('/') ? await keyBelow(ref) : ref
      const named = key !== undefined && isKey(key)
      // One read less would show by its time that nothing is there.
      const part = await find(named ? key : ref + NOTHING)
      if (named) return part === null ? [] : [part.binding]
      return key === undefined ? [] : [{}]
    }),
  )
  return found.flat()
}
