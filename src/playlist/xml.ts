import { Refusal } from '../refusal.ts'
import { lineAt, refuseAt } from './refuse.ts'

/** One attribute of an element. */
export interface XmlAttribute {
  /** With its prefix. */
  readonly name: string
  /** As written: entities stay. */
  readonly raw: string
  /** With its entities decoded. */
  readonly value: string
  /** Offsets of the raw value in the document, without its quotes. */
  readonly from: number
  readonly to: number
}

/** A start tag. */
export interface XmlStart {
  readonly kind: 'start'
  /** With its prefix. */
  readonly name: string
  readonly attributes: readonly XmlAttribute[]
  readonly from: number
}

/** Character data, or a CDATA section. */
export interface XmlText {
  readonly kind: 'text'
  /** As written: entities stay. */
  readonly raw: string
  /** With its entities decoded. In a CDATA section there are none, but some readers decode it all the same. */
  readonly value: string
  readonly from: number
  readonly isCdata: boolean
}

/** What an XML document consists of, in document order. */
export type XmlToken = XmlStart | XmlText | { readonly kind: 'end' } | { readonly kind: 'comment' }

const CDATA = '<![CDATA['
/** Deeper than any MPD: seven levels are usual. */
const MAX_DEPTH = 32

// Characters that XML 1.0 does not allow, and those that some readers take for white space or the end of a line.
const FOREIGN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a document may not contain
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/
const DECLARATION =
  /^<\?xml[ \t\r\n]+version=(["'])1\.0\1(?:[ \t\r\n]+encoding=(["'])utf-?8\2)?(?:[ \t\r\n]+standalone=(["'])(?:yes|no)\3)?[ \t\r\n]*\?>/i
// Names begin with a letter: shaka-player skips an attribute whose name doesn't.
const NAME = /[A-Za-z][A-Za-z0-9_.-]*(?::[A-Za-z][A-Za-z0-9_.-]*)?/y
const SPACE = /[ \t\r\n]*/y
const ENTITY = /&(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});/g
// Nearly all entities of an MPD are `&amp;`.
const OTHER_ENTITY = /&(?!amp;)/
const ONLY_SPACE = /^[ \t\r\n]*$/

/**
 * Reads as much of XML 1.0 as an MPD needs: no DOCTYPE, as it can redefine any string, and no processing instruction, as a
 * browser would fetch a style sheet that it names. Most players' readers are no XML parsers, but look for the next `<` or
 * `>`. So a tag, a comment or a section must end here at the same character as it does for them.
 *
 * @returns a generator of tokens. A refusal is its last value
 */
export function* readXml(source: string): Generator<XmlToken | Refusal, void> {
  const wrongAt = (offset: number) =>
    refuseAt(new Refusal('playlist_invalid'), { line: lineAt(source, offset) })
  const open: string[] = []
  let hasRoot = false
  const foreign = FOREIGN.exec(source)
  if (foreign !== null) return yield wrongAt(foreign.index)
  for (let at = DECLARATION.exec(source)?.[0].length ?? 0; at < source.length; ) {
    if (source[at] !== '<') {
      const end = source.indexOf('<', at)
      const to = end < 0 ? source.length : end
      const raw = source.slice(at, to)
      const value = open.length > 0 || ONLY_SPACE.test(raw) ? decodeXml(raw) : undefined
      if (value === undefined) return yield wrongAt(at)
      yield { kind: 'text', raw, value, from: at, isCdata: false }
      at = to
    } else if (source.startsWith('<!--', at)) {
      const end = source.indexOf('-->', at + 4)
      // shaka-player and dash.js end a comment at the first `>` after two hyphens, even the two that begin it.
      if (end < 0 || source[at + 4] === '>' || source.startsWith('->', at + 4)) return yield wrongAt(at)
      yield { kind: 'comment' }
      at = end + 3
    } else if (source.startsWith(CDATA, at)) {
      const from = at + CDATA.length
      const to = source.indexOf(']]>', from)
      if (to < 0 || open.length === 0) return yield wrongAt(at)
      const raw = source.slice(from, to)
      yield { kind: 'text', raw, value: decodeXml(raw) ?? raw, from, isCdata: true }
      at = to + 3
    } else if (source[at + 1] === '/') {
      const name = open.pop()
      if (name === undefined || !source.startsWith(name, at + 2)) return yield wrongAt(at)
      at = skipSpace(source, at + 2 + name.length)
      if (source[at] !== '>') return yield wrongAt(at)
      yield { kind: 'end' }
      at += 1
    } else {
      const tag = readStart(source, at + 1)
      if (tag === undefined || (open.length === 0 && hasRoot) || open.length >= MAX_DEPTH)
        return yield wrongAt(at)
      hasRoot = true
      yield { kind: 'start', name: tag.name, attributes: tag.attributes, from: at }
      if (tag.isEmpty) yield { kind: 'end' }
      else open.push(tag.name)
      at = tag.end
    }
  }
  if (!hasRoot || open.length > 0) yield wrongAt(source.length)
}

interface StartTag {
  readonly name: string
  readonly attributes: readonly XmlAttribute[]
  readonly isEmpty: boolean
  readonly end: number
}

/** Reads a start tag after its `<`; undefined if it is not well-formed. */
function readStart(source: string, start: number): StartTag | undefined {
  const name = nameAt(source, start)
  if (name === undefined) return undefined
  const attributes: XmlAttribute[] = []
  const seen = new Set<string>()
  for (let at = start + name.length; ; ) {
    const next = skipSpace(source, at)
    if (source[next] === '>') return { name, attributes, isEmpty: false, end: next + 1 }
    if (source.startsWith('/>', next)) return { name, attributes, isEmpty: true, end: next + 2 }
    const attribute = next > at ? readAttribute(source, next) : undefined
    if (attribute === undefined || seen.has(attribute.name)) return undefined
    seen.add(attribute.name)
    attributes.push(attribute)
    at = attribute.to + 1
  }
}

function readAttribute(source: string, start: number): XmlAttribute | undefined {
  const name = nameAt(source, start)
  if (name === undefined) return undefined
  const equals = skipSpace(source, start + name.length)
  if (source[equals] !== '=') return undefined
  const from = skipSpace(source, equals + 1) + 1
  const quote = source[from - 1]
  const to = quote === '"' || quote === "'" ? source.indexOf(quote, from) : -1
  if (to < 0) return undefined
  const raw = source.slice(from, to)
  const value = raw.includes('<') ? undefined : decodeXml(raw)
  return value === undefined ? undefined : { name, raw, value, from, to }
}

function nameAt(source: string, at: number): string | undefined {
  NAME.lastIndex = at
  return NAME.exec(source)?.[0]
}

function skipSpace(source: string, at: number): number {
  SPACE.lastIndex = at
  SPACE.test(source)
  return SPACE.lastIndex
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }

/**
 * Decodes the entities of a raw string.
 *
 * @returns undefined if it contains an entity that XML 1.0 does not define
 */
export function decodeXml(raw: string): string | undefined {
  if (!raw.includes('&')) return raw
  if (!OTHER_ENTITY.test(raw)) return raw.replaceAll('&amp;', '&')
  if (raw.replace(ENTITY, '').includes('&')) return undefined
  const decoded = raw.replace(ENTITY, entity => {
    const name = entity.slice(1, -1)
    if (!name.startsWith('#')) return NAMED[name] ?? ''
    const code = Number(name[1] === 'x' ? `0${name.slice(1)}` : name.slice(1))
    // Beyond Unicode: a foreign character, so that it is refused below.
    return code > 0x10ffff ? '\0' : String.fromCodePoint(code)
  })
  return FOREIGN.test(decoded) ? undefined : decoded
}

/** Checks if a decoded string would change if it were decoded again, as some players do. */
export function decodesAgain(decoded: string): boolean {
  return /&#?[A-Za-z0-9]+;/.test(decoded)
}
