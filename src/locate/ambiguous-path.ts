import { isPart, isRecording } from './names.ts'

const ID = ':recording'
const PARTS = ':part+'

/**
 * Finds a path that two patterns take for different recordings. Whose owner is asked for would depend on their order, if
 * they are those of URLs; one recording would overwrite the other, if they are those of keys.
 *
 * Segments of a path are independent of one another, so such a path is put together segment by segment: from each, one
 * example that both patterns take. Longer paths than the shortest that both can have only add segments of parts.
 *
 * @param one literal text with `:recording` once and, at most as its last segment, `:part+`; as is `other`
 * @returns undefined if there is none
 */
export function ambiguousPath(one: string, other: string): string | undefined {
  const patterns = [one, other].map(pattern => pattern.split('/'))
  const length = Math.max(...patterns.map(pattern => pattern.length))
  // Two tries, as an id that a literal of the other pattern fixes could be the first example of that one's.
  for (const letters of ['ab', 'cd']) {
    const segments = Array.from({ length }, (_, at) => {
      const kinds = patterns.map(pattern => pattern[at] ?? (pattern.at(-1) === PARTS ? PARTS : undefined))
      return examplesOf(kinds, letters).find(example => kinds.every(kind => takes(kind, example)))
    })
    const path = segments.filter(segment => segment !== undefined)
    const [first, second] = patterns.map(pattern => idIn(pattern, path))
    if (path.length < length || first === undefined || second === undefined) return undefined
    if (first !== second) return path.join('/')
  }
  return undefined
}

/** Examples of a segment: if both patterns take any, they take one of these. */
function examplesOf(kinds: readonly (string | undefined)[], letters: string): readonly string[] {
  const around = kinds.map(kind => (kind?.includes(ID) ? kind.split(ID) : []))
  const examples = kinds.flatMap((kind, index) => {
    if (kind === undefined || kind === PARTS) return []
    const [before] = around[index] ?? []
    if (before === undefined) return [kind]
    return around.flatMap(([, after]) => (after === undefined ? [] : [before + letters[index] + after]))
  })
  // An example of a part comes last: an id in its place shall be one of its own.
  return [...examples, 'x']
}

/** Whether a segment of a pattern can be this; undefined is a pattern that has ended. */
function takes(kind: string | undefined, segment: string): boolean {
  if (kind === undefined) return false
  if (kind === PARTS) return isPart(segment)
  const [before = '', after] = kind.split(ID)
  if (after === undefined) return kind === segment
  const id = segment.slice(before.length, segment.length - after.length)
  return segment.startsWith(before) && segment.endsWith(after) && isRecording(id)
}

/** The id in a path that a pattern takes; undefined if what it has for a part is the name of none. */
function idIn(pattern: readonly string[], path: readonly string[]): string | undefined {
  const hasPart = pattern.at(-1) === PARTS
  if (hasPart && !isPart(path.slice(pattern.length - 1).join('/'))) return undefined
  const at = pattern.findIndex(kind => kind.includes(ID))
  const [before = '', after = ''] = pattern[at]?.split(ID) ?? []
  return path[at]?.slice(before.length, path[at].length - after.length)
}
