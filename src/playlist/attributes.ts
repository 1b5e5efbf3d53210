/** One attribute of a tag of HLS. */
export interface Attribute {
  /** In upper case. */
  readonly name: string
  /** Its value, without quotes and without white space around it. */
  readonly value: string
  /** Where the value begins and ends in the list. */
  readonly from: number
  readonly to: number
}

// As the standard has it, with white space between attributes: nearly every list.
const PLAIN = /[ \t]*([A-Z0-9-]+)=(?:"([^"]*)"|([^" \t,]*))(?:,|$)/y
/** More than any tag has. */
const MOST = 256

/**
 * The attributes of a list (RFC 8216 4.2), as forgiving as players are: with white space and commas between them, values
 * of several words, and values that are empty.
 *
 * @returns undefined if quotes stand where players would differ in what they quote, or if there are too many
 */
export function attributesOf(list: string): readonly Attribute[] | undefined {
  const attributes: Attribute[] = []
  for (let at = 0; at < list.length && attributes.length <= MOST; ) {
    PLAIN.lastIndex = at
    const match = PLAIN.exec(list)
    if (match === null) {
      const next = readLoosely(list, at, attributes)
      if (next === undefined) return undefined
      at = next
      continue
    }
    const [whole, name = '', quoted, bare = ''] = match
    const from = at + whole.indexOf('=') + (quoted === undefined ? 1 : 2)
    attributes.push(attribute(name, quoted ?? bare, from))
    at += whole.length
  }
  return attributes.length > MOST ? undefined : attributes
}

function attribute(name: string, value: string, from: number): Attribute {
  const trimmed = value.trim()
  const start = from + value.length - value.trimStart().length
  return { name, value: trimmed, from: start, to: start + trimmed.length }
}

/** Reads one attribute more, and returns where it ends. */
function readLoosely(list: string, at: number, attributes: Attribute[]): number | undefined {
  const equals = list.indexOf('=', at)
  const before = list.slice(at, equals < 0 ? list.length : equals)
  if (before.includes('"')) return undefined
  if (equals < 0) return list.length
  let from = afterBlanks(list, equals + 1)
  let to: number
  let end: number
  if (list[from] === '"') {
    from += 1
    to = list.indexOf('"', from)
    end = to < 0 ? -1 : afterBlanks(list, to + 1)
    if (end < 0 || (end < list.length && list[end] !== ',')) return undefined
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

/** Some players take what stands before a comma or a space for a value of its own. */
function lastWord(text: string): string {
  // Long enough for any name: what is longer must not cost more.
  const words = text.trimEnd().slice(-64).split(/[\s,]/)
  return words.at(-1)?.toUpperCase() ?? ''
}

function afterBlanks(list: string, at: number): number {
  let next = at
  while (list[next] === ' ' || list[next] === '\t') next += 1
  return next
}
