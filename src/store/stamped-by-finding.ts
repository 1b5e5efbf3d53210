import type { RecordingStore } from '../deliver/recording-store.ts'
import type { Binding } from '../recording.ts'

/**
 * `RecordingStore.stamped` for a store whose lists tell no bindings: what is first below a prefix is looked at.
 *
 * @param firstBelow the first key below a prefix that ends in `/`
 */
export async function stampedByFinding(
  { find }: Pick<RecordingStore, 'find'>,
  places: readonly string[],
  firstBelow: (prefix: string) => Promise<string | undefined>,
): Promise<readonly Binding[]> {
  const found = await Promise.all(
    places.map(async place => {
      const key = place.endsWith('/') ? await firstBelow(place) : place
      return key === undefined ? null : find(key)
    }),
  )
  return found.flatMap(part => (part === null ? [] : [part.binding]))
}
