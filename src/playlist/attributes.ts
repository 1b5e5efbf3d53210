/** One attribute of a tag of HLS. */
export interface Attribute {
  readonly name: string
  readonly quoted: boolean
  /** Its value, without the quotes. */
  readonly text: string
  /** Where that begins and ends in the list. */
  readonly from: number
  readonly to: number
}

// One space after a comma, which RFC 8216 doesn't allow, is read alike by all and often written. A backslash escapes a
// quote to ffmpeg alone; whoever asks looks for one.
const ATTRIBUTE = /([A-Z0-9-]+)=(?:"([^"]*)"|([^"', ]+))(?:, ?(?=.)|$)/y

/**
 * The attributes of a list (RFC 8216 4.2).
 *
 * @returns undefined where it isn't one to the letter
 */
export function attributesOf(list: string): readonly Attribute[] | undefined {
  const attributes: Attribute[] = []
  ATTRIBUTE.lastIndex = 0
  while (ATTRIBUTE.lastIndex < list.length) {
    const { lastIndex } = ATTRIBUTE
    const match = ATTRIBUTE.exec(list)
    const [, name, inQuotes, bare] = match ?? []
    const text = inQuotes ?? bare
    if (name === undefined || text === undefined) return undefined
    const quoted = inQuotes !== undefined
    const from = lastIndex + name.length + (quoted ? 2 : 1)
    attributes.push({ name, quoted, text, from, to: from + text.length })
  }
  return attributes.length === 0 ? undefined : attributes
}
