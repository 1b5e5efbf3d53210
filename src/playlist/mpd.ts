import { Refusal } from '../refusal.ts'
import { lineAt, refuseValue, spotted } from './spot.ts'
import { leadsAway } from './suspect.ts'
import { CLOCK, type Role, roleOfAttribute, roleOfElement, SCHEMES_NEVER } from './vocabulary.ts'
import { decodesAgain, decodeXml, type XmlAttribute, type XmlToken, xmlTokens } from './xml.ts'

/** An element with `BaseURL`s of its own, which are resolved against those around it (ISO/IEC 23009-1 5.6.4). */
export interface Scope {
  /** Undefined for the document, which has none. */
  readonly parent: Scope | undefined
  /** Each an alternative. */
  readonly bases: MpdReference[]
}

/** One reference, and where it stands in the text. */
export interface MpdReference {
  readonly role: Role
  readonly text: string
  readonly from: number
  readonly to: number
  readonly element: string
  readonly attribute?: string
}

/** What of an MPD can lead anywhere. */
export interface Mpd {
  /** The document first, each before those within it. */
  readonly scopes: readonly Scope[]
  /** As they stand in the text. */
  readonly references: readonly MpdReference[]
  /** The ids of all its `Representation`s; undefined for one that has none. */
  readonly ids: ReadonlySet<string | undefined>
}

// As the schema has them, without exponents; longer than any that fits 64 bits.
const NUMBER = /^-?[0-9]{1,20}(?:\.[0-9]{1,20})?$/

/** Elements with a `BaseURL` of their own. */
const SCOPES: ReadonlySet<string> = new Set(['MPD', 'Period', 'AdaptationSet', 'Representation'])
const BEYOND_ASCII = /[^ -~\t\r\n]/
// The system id of PlayReady, in a box and in a scheme: its header names a licence server.
const PLAYREADY = '\x9a\x04\xf0\x79\x98\x40\x42\x86\xab\x92\xe6\x5b\xe0\x88\x5f\x95'
const PLAYREADY_SCHEME = /9a04f079-?9840-?4286-?ab92-?e65be0885f95/i

type Open = Extract<XmlToken, { kind: 'open' }>
type Text = Extract<XmlToken, { kind: 'text' }>

interface Frame {
  readonly name: string
  readonly role: Role
  readonly from: number
  readonly parent: Frame | undefined
  readonly scheme: string
  scope: Scope | undefined
  text: Text | undefined
  /** Whether it holds an element, a comment, or a second text. */
  hasMore: boolean
}

/**
 * Finds all that leads anywhere in an MPD. Names count without their prefix: players differ in whether they look at
 * namespaces.
 */
export function readMpd(source: string): Mpd | Refusal {
  return new MpdReader(source).read()
}

class MpdReader {
  readonly #source: string
  readonly #root: Scope = { parent: undefined, bases: [] }
  readonly #scopes: Scope[] = [this.#root]
  readonly #references: MpdReference[] = []
  readonly #ids = new Set<string | undefined>()
  #frame: Frame = {
    name: '',
    role: 'rest',
    from: 0,
    parent: undefined,
    scheme: '',
    scope: this.#root,
    text: undefined,
    hasMore: false,
  }

  constructor(source: string) {
    this.#source = source
  }

  read(): Mpd | Refusal {
    for (const token of xmlTokens(this.#source)) {
      const refusal = this.#readToken(token)
      if (refusal !== undefined) return refusal
    }
    return { scopes: this.#scopes, references: this.#references, ids: this.#ids }
  }

  #readToken(token: XmlToken): Refusal | undefined {
    switch (token.kind) {
      case 'open':
        return this.#open(token)
      case 'close':
        return this.#close()
      case 'text':
        return this.#readText(token)
      case 'comment':
        this.#frame.hasMore = true
        return undefined
      case 'wrong':
        return this.#refuse(token.from)
    }
  }

  #readText(token: Text): Refusal | undefined {
    const { raw, from, isCdata } = token
    if (raw.trim() === '') return undefined
    const frame = this.#frame
    // A text in pieces: some players join them, some take the first. dash.js passes over CDATA.
    if (frame.text !== undefined || isCdata) frame.hasMore = true
    frame.text ??= token
    if (frame.role === 'text') return undefined
    const decoded = decodeXml(raw) ?? ''
    if (!isCdata && decodesAgain(decoded)) return this.#refuse(from, frame.name)
    const isLoose = frame.role === 'rest' && frame.name !== 'pssh'
    const leads = isLoose && (leadsAway(raw) || leadsAway(decoded))
    return leads ? this.#refuse(from, frame.name, undefined, new Refusal('playlist_outside')) : undefined
  }

  #open({ name: written, attributes, from }: Open): Refusal | undefined {
    const { parent, name: around } = this.#frame
    const name = localName(written)
    if (parent === undefined && name !== 'MPD') return this.#refuse(from, name)
    this.#frame.hasMore = true
    for (const attribute of attributes) {
      const refusal = this.#readAttribute(name, attribute)
      if (refusal !== undefined) return refusal
    }
    const given = (one: string) => attributes.find(attribute => attribute.name === one)?.raw
    const scheme = decodeXml(given('schemeIdUri') ?? '') ?? ''
    if (name === 'UTCTiming' && !CLOCK.test(scheme))
      return this.#refuse(from, name, undefined, refuseValue(given('value') ?? ''))
    // ffmpeg looks neither at the case of an element nor at the prefix of an attribute.
    if (name.toLowerCase() === 'representation') {
      const ids = attributes.filter(attribute => localName(attribute.name) === 'id')
      for (const id of ids.length === 0 ? [undefined] : ids) this.#ids.add(id?.raw)
    }
    const role = roleOfElement(name, around)
    const [scope, text] = [undefined, undefined]
    this.#frame = { name, role, from, parent: this.#frame, scheme, scope, text, hasMore: false }
    return undefined
  }

  #readAttribute(element: string, { name, raw, from }: XmlAttribute): Refusal | undefined {
    if (name === 'xmlns' || name.startsWith('xmlns:')) return undefined
    const attribute = localName(name)
    const role = roleOfAttribute(attribute, element)
    const value = decodeXml(raw) ?? ''
    // Schemes are compared, and obeyed.
    const isText = role === 'text' && attribute !== 'schemeIdUri'
    if (!isText && decodesAgain(value)) return this.#refuse(from, element, attribute)
    switch (role) {
      case 'never':
        return this.#refuse(from, element, attribute, refuseValue(value))
      case 'number':
        return NUMBER.test(value) ? undefined : this.#refuse(from, element, attribute)
      case 'text':
        return attribute === 'schemeIdUri' && SCHEMES_NEVER.test(value)
          ? this.#refuse(from, element, attribute)
          : undefined
      case 'rest':
        return leadsAway(value)
          ? this.#refuse(from, element, attribute, new Refusal('playlist_outside'))
          : undefined
      default:
        if (raw !== '') this.#add(role, raw, from, element, attribute)
        return undefined
    }
  }

  #close(): Refusal | undefined {
    const { name, role, from, parent, text, hasMore, scheme } = this.#frame
    if (parent === undefined) return this.#refuse(from)
    const content = text?.raw ?? ''
    if (role === 'never') return this.#refuse(from, name, undefined, refuseValue(decodeXml(content) ?? ''))
    // In pieces it may be another box: shaka-player joins them, others take the first or the last.
    if (name === 'pssh' && (hasMore || namesPlayReady(content, parent.scheme + scheme)))
      return this.#refuse(from, name)
    if (role === 'base') {
      if (text === undefined || hasMore || BEYOND_ASCII.test(content)) return this.#refuse(from, name)
      if (!SCOPES.has(parent.name)) return this.#refuse(from, name)
      const raw = content.trim()
      this.#scopeOf(parent).bases.push(this.#add(role, raw, text.from + content.indexOf(raw), name))
    }
    this.#frame = parent
    return undefined
  }

  /** Made only for a BaseURL, so that a million empty elements are none. */
  #scopeOf(frame: Frame): Scope {
    if (frame.scope !== undefined) return frame.scope
    const parent = frame.parent === undefined ? this.#root : this.#scopeOf(frame.parent)
    frame.scope = { parent, bases: [] }
    this.#scopes.push(frame.scope)
    return frame.scope
  }

  #add(role: Role, raw: string, from: number, element: string, attribute?: string): MpdReference {
    // Of entities only `&amp;` can stand in a URL that we take; what is left of others is refused with it.
    const text = raw.replaceAll('&amp;', '&')
    const ref = { role, text, from, to: from + raw.length, element }
    const reference = attribute === undefined ? ref : { ...ref, attribute }
    this.#references.push(reference)
    return reference
  }

  #refuse(
    from: number,
    element?: string,
    attribute?: string,
    refusal = new Refusal('playlist_invalid'),
  ): Refusal {
    return spotted(refusal, lineAt(this.#source, from), element, attribute)
  }
}

function namesPlayReady(content: string, scheme: string): boolean {
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
