import { isPart } from '../locate/names.ts'
import { MAX_REFERENCE } from './reference.ts'

// ISO/IEC 23009-1 5.3.9.4.4. A width makes a player write that many characters, so it is kept small.
const IDENTIFIER = /\$(RepresentationID|(?:Number|Time|Bandwidth|SubNumber)(?:%0([1-9][0-9]?)d)?)\$/g
const SEGMENT = /^[^/]+$/

/**
 * Whether the id of a `Representation` is put into a template without becoming more than a piece of a name. With a colon
 * it could become a scheme.
 */
export function isPlainId(id: string): boolean {
  return SEGMENT.test(id) && !id.includes(':') && isPart(id)
}

/**
 * A reference that a template becomes, for all that it can become.
 *
 * @param id the longest id of a `Representation`; undefined where one has none that is plain
 * @returns undefined where what it becomes depends on values that we can't know. What is left of `$` and `%` is no
 * identifier, and no reference holds any: that includes `$$`, which stands for one `$`
 */
export function exampleOf(template: string, id: string | undefined): string | undefined {
  if (template.length > MAX_REFERENCE) return undefined
  // A value that a player doesn't know may come out as nothing: `$Bandwidth$..` would be a dot segment then.
  const bare = template.split('/').map(segment => [segment, segment.replace(IDENTIFIER, '')])
  if (bare.some(([segment, rest]) => segment !== rest && (rest === '.' || rest === '..'))) return undefined
  let known = true
  const example = template.replace(IDENTIFIER, (_, name: string, width: string | undefined) => {
    if (name !== 'RepresentationID') return '1'.repeat(Number(width ?? '1'))
    if (id === undefined) known = false
    return id ?? ''
  })
  return known ? example : undefined
}
