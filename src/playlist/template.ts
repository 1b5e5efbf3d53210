import { isPart } from '../locate/names.ts'
import { Refusal } from '../refusal.ts'
import { MAX_REFERENCE } from './reference.ts'

// ISO/IEC 23009-1 5.3.9.4.4. A player writes as many characters as the width says, so the width is kept small.
const IDENTIFIER = /\$(RepresentationID|(?:Number|Time|Bandwidth|SubNumber)(?:%0([1-9][0-9]?)d)?)\$/g

/** What the ids of the `Representation`s of an MPD may become in a template. */
export interface RepresentationIds {
  /**
   * An id with the fewest segments of them all, and one with the most. Each segment is as long as the longest of them all.
   * Empty unless every `Representation` has an id that is a part's name, whose characters are safe in a path.
   */
  readonly examples: readonly string[]
  /** Whether an id has a colon. If the template has no slash before the id, that makes a scheme of what precedes it. */
  readonly haveColon: boolean
}

/** Summarizes the ids of all `Representation`s; undefined is a `Representation` without an id. */
export function summarizeIds(ids: Iterable<string | undefined>): RepresentationIds {
  let [fewest, most, longest] = [Number.POSITIVE_INFINITY, 0, 0]
  let arePlain = true
  let haveColon = false
  for (const id of ids) {
    if (id === undefined || !isPart(id)) {
      arePlain = false
      continue
    }
    if (id.includes(':')) haveColon = true
    const segments = id.split('/')
    fewest = Math.min(fewest, segments.length)
    most = Math.max(most, segments.length)
    for (const { length } of segments) longest = Math.max(longest, length)
  }
  const example = (segments: number) => Array(segments).fill('x'.repeat(longest)).join('/')
  const lengths = arePlain && most > 0 ? new Set([fewest, most]) : []
  return { examples: Array.from(lengths, example), haveColon }
}

/** Checks if an id could make a scheme of a template, as the template is finally written. */
export function mayBecomeScheme(template: string, { haveColon }: RepresentationIds): boolean {
  const at = template.indexOf('$RepresentationID$')
  return haveColon && at >= 0 && !template.slice(0, at).includes('/')
}

/**
 * Returns references that are examples of everything that a template can become. A `$` or `%` that belongs to no
 * identifier remains, and no reference may contain it. That includes `$$`, which players read as one `$`.
 *
 * @returns a refusal if what the template becomes depends on values that can't be known
 */
export function expandTemplate(
  template: string,
  { examples }: RepresentationIds,
): readonly string[] | Refusal {
  if (template.length > MAX_REFERENCE) return new Refusal('playlist_invalid')
  if (!template.includes('$')) return [template]
  for (const segment of template.split('/')) {
    // A player may fill in nothing for a value that it doesn't know: `$Bandwidth$..` would become a dot segment.
    const bare = segment.replace(IDENTIFIER, '')
    if (bare !== segment && (bare === '.' || bare === '..')) return new Refusal('playlist_invalid')
  }
  const usesId = template.includes('$RepresentationID$')
  if (usesId && examples.length === 0) return new Refusal('playlist_invalid')
  return (usesId ? examples : ['']).map(id =>
    template.replace(IDENTIFIER, (_, name: string, width: string | undefined) =>
      name === 'RepresentationID' ? id : '1'.repeat(Number(width ?? '1')),
    ),
  )
}
