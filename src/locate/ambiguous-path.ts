import { isPart, isRecording } from './names.ts'

const ID_PLACEHOLDER = ':recording'
const PARTS_PLACEHOLDER = ':part+'

/**
 * Finds a path that two patterns match as different recordings. With two URL patterns, their order would decide whose
 * recording is played. With two key patterns, one recording would overwrite the other.
 *
 * The segments of a path are independent of each other, so the path is built segment by segment, from an example that
 * both patterns match. Paths that are longer than both patterns only add segments of parts, and need not be tried.
 *
 * @param one a pattern that contains `:recording` once and may end with `:part+`; `other` likewise
 * @returns undefined if the path isn't ambiguous
 */
export function ambiguousPath(one: string, other: string): string | undefined {
  const patterns = [one, other].map(pattern => pattern.split('/'))
  const length = Math.max(...patterns.map(pattern => pattern.length))
  // Two tries: a literal of one pattern may happen to equal the example for the other one's id.
  for (const letters of ['ab', 'cd']) {
    const segments = Array.from({ length }, (_, at) => {
      const kinds = patterns.map(
        pattern => pattern[at] ?? (pattern.at(-1) === PARTS_PLACEHOLDER ? PARTS_PLACEHOLDER : undefined),
      )
      return segmentExamples(kinds, letters).find(example =>
        kinds.every(kind => matchesSegment(kind, example)),
      )
    })
    const path = segments.filter(segment => segment !== undefined)
    const [first, second] = patterns.map(pattern => idIn(pattern, path))
    if (path.length < length || first === undefined || second === undefined) return undefined
    if (first !== second) return path.join('/')
  }
  return undefined
}

/** Returns examples of a segment. If both patterns match any segment at all, they match one of these. */
function segmentExamples(kinds: readonly (string | undefined)[], letters: string): readonly string[] {
  const around = kinds.map(kind => (kind?.includes(ID_PLACEHOLDER) ? kind.split(ID_PLACEHOLDER) : []))
  const examples = kinds.flatMap((kind, index) => {
    if (kind === undefined || kind === PARTS_PLACEHOLDER) return []
    const [before] = around[index] ?? []
    if (before === undefined) return [kind]
    return around.flatMap(([, after]) => (after === undefined ? [] : [before + letters[index] + after]))
  })
  // The example of a part comes last, so that an example of an id is preferred.
  return [...examples, 'x']
}

/** Returns whether a segment of a pattern matches. `kind` is undefined if the pattern has ended. */
function matchesSegment(kind: string | undefined, segment: string): boolean {
  if (kind === undefined) return false
  if (kind === PARTS_PLACEHOLDER) return isPart(segment)
  const [before = '', after] = kind.split(ID_PLACEHOLDER)
  if (after === undefined) return kind === segment
  const id = segment.slice(before.length, segment.length - after.length)
  return segment.startsWith(before) && segment.endsWith(after) && isRecording(id)
}

/** Returns the id in a path that a pattern matches. Undefined if the part in the path isn't a valid name. */
function idIn(pattern: readonly string[], path: readonly string[]): string | undefined {
  const hasPart = pattern.at(-1) === PARTS_PLACEHOLDER
  if (hasPart && !isPart(path.slice(pattern.length - 1).join('/'))) return undefined
  const at = pattern.findIndex(kind => kind.includes(ID_PLACEHOLDER))
  const [before = '', after = ''] = pattern[at]?.split(ID_PLACEHOLDER) ?? []
  return path[at]?.slice(before.length, path[at].length - after.length)
}
