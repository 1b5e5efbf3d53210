import { isRefused } from '../refusal.ts'
import { locate } from './locate.ts'
import { compileLocation, type Location } from './location.ts'
import { isPart, isRecording } from './names.ts'

const ID = ':recording'
const PARTS = ':part+'

/**
 * Finds a path that two locations take for different recordings: whose owner is asked for would depend on their order.
 *
 * Segments of a path are independent of one another, so such a path is put together segment by segment: from each, one
 * example that both locations take. Longer paths than the shortest that both can have only add segments of parts.
 *
 * @param one checked, as is `other`
 * @returns undefined if there is none
 */
export function ambiguousPath(one: Location, other: Location): string | undefined {
  const patterns = [one, other].map(({ url }) => url.split('/'))
  const locations = [one, other].map(compileLocation)
  const length = Math.max(...patterns.map(pattern => pattern.length))
  // Two tries, as an id that a literal of the other location fixes could be the first example of that one's.
  for (const letters of ['ab', 'cd']) {
    const segments = Array.from({ length }, (_, at) => {
      const kinds = patterns.map(pattern => pattern[at] ?? (pattern.at(-1) === PARTS ? PARTS : undefined))
      const examples = kinds.map((kind, index) => kind?.replace(ID, letters[index] ?? '').replace(PARTS, 'x'))
      // An example of a part comes last: an id in its place shall be one of its own.
      const inOrder = examples.filter((_, index) => kinds[index] !== PARTS).concat('x')
      return inOrder.find(example => kinds.every(kind => takes(kind, example)))
    })
    if (segments.includes(undefined)) return undefined
    const path = segments.join('/')
    const [first, second] = locations.map(location => locate(path, [location]))
    if (first === undefined || second === undefined || isRefused(first) || isRefused(second)) return undefined
    if (first.place.recording !== second.place.recording) return path
  }
  return undefined
}

/** Whether a segment of a pattern can be this; undefined is a pattern that has ended. */
function takes(kind: string | undefined, segment: string | undefined): boolean {
  if (kind === undefined || segment === undefined) return false
  if (kind === PARTS) return isPart(segment)
  if (!kind.startsWith(ID)) return kind === segment
  const end = kind.slice(ID.length)
  return segment.endsWith(end) && isRecording(segment.slice(0, segment.length - end.length))
}
