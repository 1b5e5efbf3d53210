import { isObject } from '../base/json.ts'
import { ambiguousPath } from '../locate/ambiguous-path.ts'
import { compileLocation, type Location } from '../locate/location.ts'
import { each, findConflicts, isListOf, isString, rule } from './checks.ts'
import { type Check, type Found, findMemberMistakes, type MembersOf } from './option.ts'

const pattern = { required: true, check: rule('must be a string', isString) } as const
const MEMBERS: MembersOf<Location> = { url: pattern, key: pattern }

const checkEach = each<Location>(checkLocation, locations => findConflicts(locations, conflict))

/** Finds the mistakes in locations, which may come from JSON: in each of them, and in any two together. */
export const checkLocations: Check = (locations, options) =>
  isListOf(locations) ? checkEach(locations, options) : 'must hold at least one location'

function checkLocation(location: unknown): Found {
  if (!isObject(location)) return 'must be an object with a url and a key'
  const mistakes = findMemberMistakes(MEMBERS, location)
  if (mistakes.length > 0) return mistakes
  try {
    compileLocation(location as unknown as Location)
    return undefined
  } catch (error) {
    return `can't be used: ${(error as Error).message}`
  }
}

function conflict(one: Location, earlier: Location, at: string): string | undefined {
  if (one.url === earlier.url) return `has the url of ${at}: only that would be used`
  const path = ambiguousPath(earlier.url, one.url)
  if (path !== undefined) {
    return `and LOCATIONS${at} take ${path} for different recordings: change the url of one of them`
  }
  return ambiguousPath(keyPattern(earlier), keyPattern(one)) === undefined
    ? undefined
    : `and LOCATIONS${at} keep two recordings at one key: change the key of one of them`
}

/** Writes a key as a pattern of paths. In a key the `+` may be left out. */
function keyPattern({ key }: Location): string {
  return key.replace(/:part$/, ':part+')
}
