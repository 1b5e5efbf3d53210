/** One attribute of an HLS tag (RFC 8216 4.2). */
export interface Attribute {
  /** In upper case. */
  readonly name: string
  /** The value, without quotes and surrounding white space. */
  readonly value: string
  /** Offsets of the value in the attribute list. */
  readonly from: number
  readonly to: number
}

// An attribute as the standard writes it, with optional white space before it. Nearly every list consists of these. The
// lenient way alone would find the same attributes, but takes a third longer.
const STANDARD = /[ \t]*([A-Z0-9-]+)=(?:"([^"]*)"|([^" \t,]*))(?:,|$)/y
/** More attributes than any real tag has. */
const MAX_ATTRIBUTES = 256
/** Longer than any attribute name, in characters. A bound, so that a longer run of characters costs no more. */
const MAX_NAME = 64

/**
 * Parses an attribute list (RFC 8216 4.2) as leniently as players do: with white space and commas between attributes,
 * unquoted values of several words, and empty values.
 *
 * @returns undefined if players could disagree on what is quoted, or if there are more than 256 attributes
 */
export function parseAttributes(list: string): readonly Attribute[] | undefined {
  const attributes: Attribute[] = []
  for (let at = 0; at < list.length; ) {
    STANDARD.lastIndex = at
    const match = STANDARD.exec(list)
    if (match === null) {
      const end = parseLeniently(list, at, attributes)
      if (end === undefined) return undefined
      at = end
    } else {
      const [whole, name = '', quoted, bare = ''] = match
      const from = at + whole.indexOf('=') + (quoted === undefined ? 1 : 2)
      attributes.push(attribute(name, quoted ?? bare, from))
      at += whole.length
    }
    if (attributes.length > MAX_ATTRIBUTES) return undefined
  }
  return attributes
}

function attribute(name: string, value: string, from: number): Attribute {
  const trimmed = value.trim()
  const start = from + value.length - value.trimStart().length
  return { name, value: trimmed, from: start, to: start + trimmed.length }
}

/** Appends the next attribute, and returns the offset of its end; undefined if quotes make it ambiguous. */
function parseLeniently(list: string, at: number, attributes: Attribute[]): number | undefined {
  const equals = list.indexOf('=', at)
  const before = list.slice(at, equals < 0 ? list.length : equals)
  if (before.includes('"')) return undefined
  if (equals < 0) return list.length
  let from = skipBlanks(list, equals + 1)
  let to: number
  let end: number
  if (list[from] === '"') {
    from += 1
    to = list.indexOf('"', from)
    if (to < 0) return undefined
    end = skipBlanks(list, to + 1)
    if (end < list.length && list[end] !== ',') return undefined
  } else {
    const comma = list.indexOf(',', from)
    to = comma < 0 ? list.length : comma
    end = to
  }
  const value = list.slice(from, to)
  if (value.includes('"')) return undefined
  attributes.push(attribute(lastWord(before), value, from))
  return end
}

/** Some players read what precedes a comma or a space as a value of its own, so the name is what follows it. */
function lastWord(before: string): string {
  const words = before.trimEnd().slice(-MAX_NAME).split(/[\s,]/)
  return words.at(-1)?.toUpperCase() ?? ''
}

function skipBlanks(list: string, at: number): number {
  let next = at
  while (list[next] === ' ' || list[next] === '\t') next += 1
  return next
}
