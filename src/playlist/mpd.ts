import { Refusal } from '../refusal.ts'
import { leadsAway, lineAt, refuseAt, refuseValue } from './refuse.ts'
import { CLOCK, type Role, roleOfAttribute, roleOfElement, SCHEMES_NEVER } from './vocabulary.ts'
import {
  decodesAgain,
  readXml,
  type XmlAttribute,
  type XmlStart,
  type XmlText,
  type XmlToken,
} from './xml.ts'

/** An element with `BaseURL`s, which are resolved against those of the elements around it (ISO/IEC 23009-1 5.6.4). */
export interface BaseScope {
  /** Undefined for the document itself, which has no `BaseURL`. */
  readonly parent: BaseScope | undefined
  /** Alternatives: a player takes one of them. */
  readonly bases: MpdReference[]
}

/** A reference, and its position in the document. */
export interface MpdReference {
  readonly role: Role
  /** With its ampersands decoded, which are the only entities that a valid reference can have. */
  readonly value: string
  /** Offsets of the reference as written. */
  readonly from: number
  readonly to: number
  readonly element: string
  /** Undefined if the reference is the element's content. */
  readonly attribute: string | undefined
}

/** Everything in an MPD that decides what players fetch. */
export interface Mpd {
  /** The document first, and each scope before those inside it. */
  readonly scopes: readonly BaseScope[]
  /** In document order. */
  readonly references: readonly MpdReference[]
  /** The ids of all `Representation`s, as written; undefined for a `Representation` without an id. */
  readonly ids: ReadonlySet<string | undefined>
}

// As the schema writes them, without exponents. Twenty digits are more than 64 bits need.
const NUMBER = /^-?[0-9]{1,20}(?:\.[0-9]{1,20})?$/
/** The elements that may have a `BaseURL`. */
const WITH_BASE: ReadonlySet<string> = new Set(['MPD', 'Period', 'AdaptationSet', 'Representation'])
const BEYOND_ASCII = /[^ -~\t\r\n]/
// The system id of PlayReady, in a `pssh` box and in a scheme: the box has a header that names a licence server.
const PLAYREADY = '\x9a\x04\xf0\x79\x98\x40\x42\x86\xab\x92\xe6\x5b\xe0\x88\x5f\x95'
const PLAYREADY_SCHEME = /9a04f079-?9840-?4286-?ab92-?e65be0885f95/i

/** An element whose end tag is still to come. */
interface OpenElement {
  readonly name: string
  readonly role: Role
  readonly from: number
  readonly parent: OpenElement | undefined
  readonly scheme: string
  scope: BaseScope | undefined
  /** Its first character data other than white space. */
  text: XmlText | undefined
  /** Whether it contains an element, a comment or CDATA. Only these divide character data, which players then join or not. */
  isMixed: boolean
}

/**
 * Finds everything in an MPD that decides what players fetch, and refuses what can't be checked. Names count without their
 * prefixes, as some players ignore namespaces.
 */
export function readMpd(source: string): Mpd | Refusal {
  return new MpdReader(source).read()
}

class MpdReader {
  readonly #source: string
  readonly #root: BaseScope = { parent: undefined, bases: [] }
  readonly #scopes: BaseScope[] = [this.#root]
  readonly #references: MpdReference[] = []
  readonly #ids = new Set<string | undefined>()
  #element: OpenElement = {
    name: '',
    role: 'rest',
    from: 0,
    parent: undefined,
    scheme: '',
    scope: this.#root,
    text: undefined,
    isMixed: false,
  }

  constructor(source: string) {
    this.#source = source
  }

  read(): Mpd | Refusal {
    for (const token of readXml(this.#source)) {
      const refusal = token instanceof Refusal ? token : this.#readToken(token)
      if (refusal !== undefined) return refusal
    }
    return { scopes: this.#scopes, references: this.#references, ids: this.#ids }
  }

  #readToken(token: XmlToken): Refusal | undefined {
    switch (token.kind) {
      case 'start':
        return this.#open(token)
      case 'end':
        return this.#close()
      case 'text':
        return this.#readText(token)
      case 'comment':
        this.#element.isMixed = true
        return undefined
    }
  }

  #readText(text: XmlText): Refusal | undefined {
    const { raw, value, from, isCdata } = text
    if (raw.trim() === '') return undefined
    const element = this.#element
    // dash.js ignores CDATA.
    if (isCdata) element.isMixed = true
    element.text ??= text
    if (element.role === 'text') return undefined
    if (!isCdata && decodesAgain(value)) return this.#refuse(from, element.name)
    if (element.role !== 'rest' || element.name === 'pssh') return undefined
    return leadsAway(raw) || leadsAway(value)
      ? this.#refuse(from, element.name, undefined, new Refusal('playlist_outside'))
      : undefined
  }

  #open({ name: written, attributes, from }: XmlStart): Refusal | undefined {
    const parent = this.#element
    const name = localName(written)
    if (parent.parent === undefined && name !== 'MPD') return this.#refuse(from, name)
    parent.isMixed = true
    for (const attribute of attributes) {
      const refusal = this.#readAttribute(name, attribute)
      if (refusal !== undefined) return refusal
    }
    const scheme = attributes.find(attribute => attribute.name === 'schemeIdUri')?.value ?? ''
    if (name === 'UTCTiming' && !CLOCK.test(scheme)) return this.#refuse(from, name)
    // ffmpeg ignores the case of an element's name and the prefix of an attribute's.
    if (name.toLowerCase() === 'representation') {
      const ids = attributes.filter(attribute => localName(attribute.name) === 'id')
      for (const id of ids.length === 0 ? [undefined] : ids) this.#ids.add(id?.raw)
    }
    const role = roleOfElement(name, parent.name)
    const [scope, text] = [undefined, undefined]
    this.#element = { name, role, from, parent, scheme, scope, text, isMixed: false }
    return undefined
  }

  #readAttribute(element: string, { name, raw, value, from }: XmlAttribute): Refusal | undefined {
    if (name === 'xmlns' || name.startsWith('xmlns:')) return undefined
    const attribute = localName(name)
    const role = roleOfAttribute(attribute, element)
    // Players compare a scheme, but also act on it.
    const isText = role === 'text' && attribute !== 'schemeIdUri'
    if (!isText && decodesAgain(value)) return this.#refuse(from, element, attribute)
    switch (role) {
      case 'never':
        return this.#refuse(from, element, attribute, refuseValue(value))
      case 'number':
        return NUMBER.test(value) ? undefined : this.#refuse(from, element, attribute)
      case 'text':
        return !isText && SCHEMES_NEVER.test(value) ? this.#refuse(from, element, attribute) : undefined
      case 'rest':
        return leadsAway(value)
          ? this.#refuse(from, element, attribute, new Refusal('playlist_outside'))
          : undefined
      default:
        if (raw !== '') this.#addReference({ role, from, element, attribute }, raw)
        return undefined
    }
  }

  #close(): Refusal | undefined {
    const { name, role, from, parent, text, isMixed, scheme } = this.#element
    if (parent === undefined) return this.#refuse(from)
    const content = text?.raw ?? ''
    if (role === 'never') return this.#refuse(from, name, undefined, refuseValue(text?.value ?? ''))
    // In pieces it may become another box: shaka-player joins them, others take the first or the last.
    if (name === 'pssh' && (isMixed || mayBePlayReady(content, parent.scheme + scheme)))
      return this.#refuse(from, name)
    if (role === 'base') {
      if (text === undefined || isMixed || BEYOND_ASCII.test(content) || !WITH_BASE.has(parent.name))
        return this.#refuse(from, name)
      const raw = content.trim()
      const start = text.from + content.indexOf(raw)
      const base = this.#addReference({ role, from: start, element: name, attribute: undefined }, raw)
      this.#scopeOf(parent).bases.push(base)
    }
    this.#element = parent
    return undefined
  }

  /** Creates a scope only for an element with a `BaseURL`, as an MPD may have a million elements. */
  #scopeOf(element: OpenElement): BaseScope {
    if (element.scope !== undefined) return element.scope
    const parent = element.parent === undefined ? this.#root : this.#scopeOf(element.parent)
    element.scope = { parent, bases: [] }
    this.#scopes.push(element.scope)
    return element.scope
  }

  #addReference(found: Omit<MpdReference, 'value' | 'to'>, raw: string): MpdReference {
    const reference = { ...found, value: raw.replaceAll('&amp;', '&'), to: found.from + raw.length }
    this.#references.push(reference)
    return reference
  }

  #refuse(
    from: number,
    tag?: string,
    attribute?: string,
    refusal: Refusal = new Refusal('playlist_invalid'),
  ): Refusal {
    return refuseAt(refusal, { line: lineAt(this.#source, from), tag, attribute })
  }
}

/** Checks if a `pssh` box may be one of PlayReady: by its scheme, by its content, or because it isn't Base64. */
function mayBePlayReady(content: string, scheme: string): boolean {
  if (PLAYREADY_SCHEME.test(scheme)) return true
  try {
    return atob(content.replace(/\s+/g, '')).includes(PLAYREADY)
  } catch {
    return true
  }
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
