/** One entity tag as it stands in a header: `opaque` with its quotes. */
export interface EntityTag {
  readonly weak: boolean
  readonly opaque: string
}

// RFC 9110 8.8.3: W/ in upper case only; no quote, no space and no control inside. What is beyond ASCII may stand for
// several bytes, as runtimes decode headers differently; it matches no tag of ours.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a tag may not hold
const ETAG = /(W\/)?("[^\x00-\x20"\x7f]*")/y
const SEPARATOR = /[ \t]*(?:,[ \t]*)+/y
const EDGE = /[ \t,]*/y

/**
 * Reads a list of entity tags. A malformed list is undefined: it says nothing, and nobody's request may fail of it.
 */
export function parseEntityTags(header: string): readonly EntityTag[] | undefined {
  const tags: EntityTag[] = []
  let at = skip(EDGE, header, 0)
  while (at < header.length) {
    ETAG.lastIndex = at
    const match = ETAG.exec(header)
    if (match?.[2] === undefined) return undefined
    tags.push({ weak: match[1] !== undefined, opaque: match[2] })
    const end = at + match[0].length
    at = skip(SEPARATOR, header, end)
    if (at === end && end < header.length) return undefined
  }
  return tags.length > 0 ? tags : undefined
}

function skip(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from
  return from + (pattern.exec(text)?.[0].length ?? 0)
}

/** Weak comparison (RFC 9110 8.8.3.2), for If-None-Match. Our own tags are strong. */
export function matchesWeakly(tags: readonly EntityTag[], etag: string): boolean {
  return tags.some(tag => tag.opaque === etag)
}

/** Strong comparison, for If-Match and If-Range. */
export function matchesStrongly(tags: readonly EntityTag[], etag: string): boolean {
  return tags.some(tag => !tag.weak && tag.opaque === etag)
}
