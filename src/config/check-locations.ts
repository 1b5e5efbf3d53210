import { ambiguousPath } from '../locate/ambiguous-path.ts'
import { compileLocation, type Location } from '../locate/location.ts'
import { isString } from './checks.ts'
import type { Mistake } from './option.ts'

/** Finds the mistakes in locations, which may come from JSON: in each of them, and in any two together. */
export function checkLocations(locations: unknown): readonly Mistake[] {
  if (!Array.isArray(locations) || locations.length === 0) return [['', 'must hold at least one location']]
  const urls = locations.map(location => (location as Partial<Location> | null)?.url)
  const valid: { readonly index: number; readonly location: Location }[] = []
  return locations.flatMap((location: unknown, index) => {
    const mistake = (what: string, member = ''): Mistake[] => [[`[${index}]${member}`, what]]
    if (typeof location !== 'object' || location === null)
      return mistake('must be an object with a url and a key')
    const { url, key, ...unknown } = location as Readonly<Record<string, unknown>>
    if (!isString(url) || !isString(key)) return mistake('must have a url and a key, both strings')
    const [member] = Object.keys(unknown)
    if (member !== undefined) return mistake('is unknown: it may be url or key', `.${member}`)
    if (urls.indexOf(url) < index) return mistake('has the url of an earlier one: only that would be used')
    try {
      compileLocation({ url, key })
    } catch (error) {
      return mistake(`can't be used: ${(error as Error).message}`)
    }
    const earlier = [...valid]
    valid.push({ index, location: { url, key } })
    return earlier.flatMap(other => {
      const path = ambiguousPath(other.location.url, url)
      if (path !== undefined)
        return mistake(
          `and LOCATIONS[${other.index}] take ${path} for different recordings: change the url of one of them`,
        )
      return ambiguousPath(keyPattern(other.location), keyPattern({ url, key })) === undefined
        ? []
        : mistake(
            `and LOCATIONS[${other.index}] keep two recordings at one key, and one would overwrite the other: change the key of one of them`,
          )
    })
  })
}

/** Writes a key as a pattern of paths. In a key the `+` may be left out. */
function keyPattern({ key }: Location): string {
  return key.replace(/:part$/, ':part+')
}
