/** An entity tag as a header contains it. `opaque` includes its quotes. */
export interface EntityTag {
  readonly weak: boolean
  readonly opaque: string
}

// RFC 9110 8.8.3: W/ in upper case only; no quote, no space and no control character inside. Characters beyond ASCII are
// allowed, though runtimes decode them differently: they match none of the gate's tags.
// biome-ignore lint/suspicious/noControlCharactersInRegex: a tag may not contain them
const ETAG = /(W\/)?("[^\x00-\x20"\x7f]*")/y
const SEPARATOR = /[ \t]*(?:,[ \t]*)+/y
const EDGE = /[ \t,]*/y

/**
 * Parses a list of entity tags. Undefined if the list is malformed: it is ignored, so that no request fails because of
 * it.
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

function skip(pattern: RegExp, header: string, from: number): number {
  pattern.lastIndex = from
  return from + (pattern.exec(header)?.[0].length ?? 0)
}

/** Compares weakly (RFC 9110 8.8.3.2), for If-None-Match. The gate's own tags are strong. */
export function matchesWeakly(tags: readonly EntityTag[], etag: string): boolean {
  return tags.some(tag => tag.opaque === etag)
}

/** Compares strongly, for If-Match and If-Range. */
export function matchesStrongly(tags: readonly EntityTag[], etag: string): boolean {
  return tags.some(tag => !tag.weak && tag.opaque === etag)
}
