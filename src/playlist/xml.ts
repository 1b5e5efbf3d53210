/** One attribute of an element, as it is written: entities stay as they are. */
export interface XmlAttribute {
  /** With its prefix. */
  readonly name: string
  readonly raw: string
  /** Where its value stands in the text, quotes not included. */
  readonly from: number
  readonly to: number
}

/** What an XML text is made of, in its order. */
export type XmlToken =
  | {
      readonly kind: 'open'
      readonly name: string
      readonly attributes: readonly XmlAttribute[]
      readonly from: number
    }
  | { readonly kind: 'close' }
  | {
      readonly kind: 'text'
      readonly raw: string
      readonly from: number
      readonly to: number
      /** Whether it stands in a CDATA section: then no entity is one, to those who read it right. */
      readonly isCdata: boolean
    }
  | { readonly kind: 'comment' }
  | { readonly kind: 'wrong'; readonly from: number }

const CDATA = '<![CDATA['
const wrongAt = (from: number): XmlToken => ({ kind: 'wrong', from })
/** Deeper than any playlist: seven levels are usual. */
const MAX_DEPTH = 32

// What XML 1.0 allows as characters, without those that some readers take for white space or the end of a line.
const FOREIGN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it may not hold
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/
const DECLARATION =
  /^<\?xml[ \t\r\n]+version=(["'])1\.0\1(?:[ \t\r\n]+encoding=(["'])utf-?8\2)?(?:[ \t\r\n]+standalone=(["'])(?:yes|no)\3)?[ \t\r\n]*\?>/i
// Names begin with a letter: shaka-player passes over an attribute that doesn't.
const NAME = /[A-Za-z][A-Za-z0-9_.-]*(?::[A-Za-z][A-Za-z0-9_.-]*)?/y
const SPACE = /[ \t\r\n]*/y
const ENTITY = /&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});/g
// Nearly all that a playlist has are `&amp;`, unless that is the beginning of another.
const OTHER_ENTITY = /&(?!amp;)/
const ONLY_SPACE = /^[ \t\r\n]*$/

/**
 * Reads XML 1.0, as much of it as playlists of DASH need. No DOCTYPE, as it can redefine any text, and no processing
 * instruction, as a browser would fetch a style sheet that one names. What the readers of players take for the end of a
 * tag, a comment or a section must be its end here, too: most of them are none of XML, but look for the next `<` or `>`.
 * After a token `wrong` comes no other.
 */
export function* xmlTokens(text: string): Generator<XmlToken, void> {
  const open: string[] = []
  let rooted = false
  const foreign = FOREIGN.exec(text)
  if (foreign !== null) return yield wrongAt(foreign.index)
  for (let at = DECLARATION.exec(text)?.[0].length ?? 0; at < text.length; ) {
    if (text[at] !== '<') {
      const end = text.indexOf('<', at)
      const to = end < 0 ? text.length : end
      const raw = text.slice(at, to)
      if (open.length === 0 ? !ONLY_SPACE.test(raw) : decodeXml(raw) === undefined) return yield wrongAt(at)
      yield { kind: 'text', raw, from: at, to, isCdata: false }
      at = to
    } else if (text.startsWith('<!--', at)) {
      const end = text.indexOf('-->', at + 4)
      // shaka-player and dash.js end a comment at the first `>` after two hyphens, also those that begin it.
      if (end < 0 || text[at + 4] === '>' || text.startsWith('->', at + 4)) return yield wrongAt(at)
      yield { kind: 'comment' }
      at = end + 3
    } else if (text.startsWith(CDATA, at)) {
      const from = at + CDATA.length
      const to = text.indexOf(']]>', from)
      if (to < 0 || open.length === 0) return yield wrongAt(at)
      yield { kind: 'text', raw: text.slice(from, to), from, to, isCdata: true }
      at = to + 3
    } else if (text[at + 1] === '/') {
      const name = open.pop()
      if (name === undefined || !text.startsWith(name, at + 2)) return yield wrongAt(at)
      at = afterSpace(text, at + 2 + name.length)
      if (text[at] !== '>') return yield wrongAt(at)
      yield { kind: 'close' }
      at += 1
    } else {
      const tag = readTag(text, at + 1)
      if (tag === undefined || (open.length === 0 && rooted) || open.length >= MAX_DEPTH)
        return yield wrongAt(at)
      rooted = true
      yield { kind: 'open', name: tag.name, attributes: tag.attributes, from: at }
      if (tag.isEmpty) yield { kind: 'close' }
      else open.push(tag.name)
      at = tag.end
    }
  }
  if (!rooted || open.length > 0) yield wrongAt(text.length)
}

interface Tag {
  readonly name: string
  readonly attributes: readonly XmlAttribute[]
  readonly isEmpty: boolean
  readonly end: number
}

function readTag(text: string, start: number): Tag | undefined {
  const name = nameAt(text, start)
  if (name === undefined) return undefined
  const attributes: XmlAttribute[] = []
  const seen = new Set<string>()
  for (let at = start + name.length; ; ) {
    const next = afterSpace(text, at)
    if (text[next] === '>') return { name, attributes, isEmpty: false, end: next + 1 }
    if (text.startsWith('/>', next)) return { name, attributes, isEmpty: true, end: next + 2 }
    const attribute = next > at ? readAttribute(text, next) : undefined
    if (attribute === undefined || seen.has(attribute.name)) return undefined
    seen.add(attribute.name)
    attributes.push(attribute)
    at = attribute.to + 1
  }
}

function readAttribute(text: string, start: number): XmlAttribute | undefined {
  const name = nameAt(text, start)
  if (name === undefined) return undefined
  const equals = afterSpace(text, start + name.length)
  if (text[equals] !== '=') return undefined
  const from = afterSpace(text, equals + 1) + 1
  const quote = text[from - 1]
  const to = quote === '"' || quote === "'" ? text.indexOf(quote, from) : -1
  const raw = text.slice(from, to)
  if (to < 0 || raw.includes('<') || decodeXml(raw) === undefined) return undefined
  return { name, raw, from, to }
}

function nameAt(text: string, at: number): string | undefined {
  NAME.lastIndex = at
  return NAME.exec(text)?.[0]
}

function afterSpace(text: string, at: number): number {
  SPACE.lastIndex = at
  SPACE.test(text)
  return SPACE.lastIndex
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/**
 * The text that a raw text stands for.
 *
 * @returns undefined where it holds an entity that XML 1.0 has not
 */
export function decodeXml(raw: string): string | undefined {
  if (!raw.includes('&')) return raw
  if (!OTHER_ENTITY.test(raw)) return raw.replaceAll('&amp;', '&')
  let sound = !raw.replace(ENTITY, '').includes('&')
  const decoded = raw.replace(ENTITY, entity => {
    const name = entity.slice(1, -1)
    if (!name.startsWith('#')) return NAMED[name] ?? ''
    const code = Number(name[1] === 'x' ? `0${name.slice(1)}` : name.slice(1))
    if (code > 0x10ffff) sound = false
    return code > 0x10ffff ? '' : String.fromCodePoint(code)
  })
  return sound && !FOREIGN.test(decoded) ? decoded : undefined
}

/** Whether a decoded text would become another if it were decoded once more, as some players do. */
export function decodesAgain(decoded: string): boolean {
  return /&#?[A-Za-z0-9]+;/.test(decoded)
}
