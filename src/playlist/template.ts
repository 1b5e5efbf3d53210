import { isPart } from '../locate/names.ts'
import { MAX_REFERENCE } from './reference.ts'

// ISO/IEC 23009-1 5.3.9.4.4. A width makes a player write that many characters, so it is kept small.
const IDENTIFIER = /\$(RepresentationID|(?:Number|Time|Bandwidth|SubNumber)(?:%0([1-9][0-9]?)d)?)\$/g

/** What ids of a `Representation` may become in a template. */
export interface Ids {
  /** One with the fewest segments that any id has, and one with the most. No id is longer in a segment. */
  readonly examples: readonly string[]
  /** Whether every `Representation` has an id, and each is a name or a path that stays a piece of one. */
  readonly arePlain: boolean
  /** Whether one has a colon, which makes a scheme of what is before it, unless that holds a slash. */
  readonly haveColon: boolean
}

/** Sums up the ids of all `Representation`s; undefined stands for one that has none. */
export function summed(ids: Iterable<string | undefined>): Ids {
  let [least, most, longest] = [Number.POSITIVE_INFINITY, 0, 0]
  let arePlain = true
  let haveColon = false
  for (const id of ids) {
    if (id === undefined || !isPart(id)) arePlain = false
    else {
      if (id.includes(':')) haveColon = true
      const segments = id.split('/')
      least = Math.min(least, segments.length)
      most = Math.max(most, segments.length)
      for (const { length } of segments) longest = Math.max(longest, length)
    }
  }
  if (!arePlain || most === 0) return { examples: [''], arePlain: false, haveColon }
  const like = (segments: number) => Array(segments).fill('x'.repeat(longest)).join('/')
  return { examples: least === most ? [like(most)] : [like(least), like(most)], arePlain, haveColon }
}

/** Whether an id could make a scheme of a template, as it is written in the end. */
export function mayBecomeScheme(template: string, { haveColon }: Ids): boolean {
  const [before = '', ...after] = template.split('$RepresentationID$')
  return haveColon && after.length > 0 && !before.includes('/')
}

/**
 * References that a template becomes, for all that it can become.
 *
 * @returns undefined if what it becomes depends on values that can't be known. What is left of `$` and `%` is no
 * identifier, and no reference holds any: that includes `$$`, which stands for one `$`
 */
export function examplesOf(template: string, { examples, arePlain }: Ids): readonly string[] | undefined {
  if (template.length > MAX_REFERENCE) return undefined
  if (!template.includes('$')) return [template]
  // A value that a player doesn't know may come out as nothing: `$Bandwidth$..` would be a dot segment then.
  const bare = template.split('/').map(segment => [segment, segment.replace(IDENTIFIER, '')])
  if (bare.some(([segment, rest]) => segment !== rest && (rest === '.' || rest === '..'))) return undefined
  const usesId = template.includes('$RepresentationID$')
  if (usesId && !arePlain) return undefined
  return (usesId ? examples : ['']).map(id =>
    template.replace(IDENTIFIER, (_, name: string, width: string | undefined) =>
      name === 'RepresentationID' ? id : '1'.repeat(Number(width ?? '1')),
    ),
  )
}
