import { type Refused, refused } from '../refusal.ts'
import { hasScheme, leadsAway } from './suspect.ts'
import { decodeXml, type XmlAttribute, xmlTokens } from './xml.ts'

/** An element with `BaseURL`s of its own, which are resolved against those around it (ISO/IEC 23009-1 5.6.4). */
export interface Scope {
  /** Undefined for the document, which has none. */
  readonly parent: Scope | undefined
  /** Each an alternative. */
  readonly bases: MpdReference[]
}

/** One reference, and where it stands in the text. */
export interface MpdReference {
  /** `unread`: to a document that names further URLs, and that nobody rewrites. */
  readonly kind: 'reference' | 'template' | 'base' | 'location' | 'unread'
  readonly text: string
  readonly from: number
  readonly to: number
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

/** Elements with a `BaseURL` of their own. */
const SCOPES: ReadonlySet<string> = new Set(['MPD', 'Period', 'AdaptationSet', 'Representation'])
/** Elements whose text is a reference. */
const TEXTS: ReadonlyMap<string, MpdReference['kind']> = new Map([
  ['BaseURL', 'base'],
  ['Location', 'location'],
  // It replaces the host of every URL and keeps the path, ticket and all.
  ['ContentSteering', 'unread'],
  ['PatchLocation', 'unread'],
  ['ImportedMPD', 'unread'],
])
/** Attributes that are references. */
const ATTRIBUTES: ReadonlyMap<string, MpdReference['kind']> = new Map([
  ['SegmentTemplate media', 'template'],
  ['SegmentTemplate index', 'template'],
  ['SegmentTemplate initialization', 'template'],
  ['SegmentTemplate bitstreamSwitching', 'template'],
  ['SegmentURL media', 'reference'],
  ['SegmentURL index', 'reference'],
  ['Initialization sourceURL', 'reference'],
  ['RepresentationIndex sourceURL', 'reference'],
  ['BitstreamSwitching sourceURL', 'reference'],
  ['InitializationSet initialization', 'reference'],
])
/** Attributes that hold names of namespaces, schemes and profiles. Nobody fetches them. */
const NAMES = /^(?:xmlns(?::.*)?|schemeIdUri|profiles|xsi:schemaLocation|xsi:noNamespaceSchemaLocation)$/
const BEYOND_ASCII = /[^ -~\t\r\n]/
// A player asks for the URL that such an event holds, be it in the MPD or in a segment.
const CALLBACK = /^\s*urn:mpeg:dash:event:callback\b/i
/**
 * Attributes that no playlist may have: one changes the base by the rules of XML, which some follow, and what the
 * other says is encoded we can't look at.
 */
const REFUSED: ReadonlySet<string> = new Set(['xml:base', 'contentEncoding'])

interface Frame {
  readonly name: string
  readonly parent: Frame | undefined
  scope: Scope | undefined
  text: { readonly raw: string; readonly from: number } | undefined
  /** Whether it holds an element or a comment. */
  hasMore: boolean
}

/**
 * Finds all that leads anywhere in an MPD. Names count without their prefix: players differ in whether they look at
 * namespaces.
 */
export function readMpd(source: string): Mpd | Refused {
  const root: Scope = { parent: undefined, bases: [] }
  const scopes: Scope[] = [root]
  const references: MpdReference[] = []
  const ids = new Set<string | undefined>()
  let frame: Frame = { name: '', parent: undefined, scope: root, text: undefined, hasMore: false }

  // Made only for a BaseURL, so that a million empty elements are none.
  const scopeOf = (one: Frame): Scope => {
    if (one.scope !== undefined) return one.scope
    const parent = one.parent === undefined ? root : scopeOf(one.parent)
    one.scope = { parent, bases: [] }
    scopes.push(one.scope)
    return one.scope
  }
  const add = (kind: MpdReference['kind'], raw: string, from: number): MpdReference => {
    // Of entities only `&amp;` can stand in a URL that we take; what is left of others is refused with it.
    const reference = { kind, text: raw.replaceAll('&amp;', '&'), from, to: from + raw.length }
    references.push(reference)
    return reference
  }

  for (const token of xmlTokens(source)) {
    switch (token.kind) {
      case 'wrong':
        return refused('playlist_invalid')
      case 'text':
        if (token.raw.trim() === '') break
        // A text in pieces: some players join them, some take the first.
        if (frame.hasMore) return refused('playlist_invalid')
        frame.text = token
        break
      case 'comment':
        if (frame.text !== undefined) return refused('playlist_invalid')
        frame.hasMore = true
        break
      case 'open': {
        const name = localName(token.name)
        if (frame.text !== undefined || (frame.parent === undefined && name !== 'MPD')) {
          return refused('playlist_invalid')
        }
        frame.hasMore = true
        for (const attribute of token.attributes) {
          const kind = kindOf(name, attribute)
          if (kind === 'refused') return refused('playlist_invalid')
          if (kind !== undefined) add(kind, attribute.raw, attribute.from)
        }
        if (name === 'Representation') ids.add(token.attributes.find(one => one.name === 'id')?.raw)
        frame = { name, parent: frame, scope: undefined, text: undefined, hasMore: false }
        break
      }
      case 'close': {
        const { name, parent, text } = frame
        if (parent === undefined) return refused('playlist_invalid')
        const kind = TEXTS.get(name) ?? (text !== undefined && isSuspect(text.raw) ? 'reference' : undefined)
        if (kind !== undefined) {
          if (text === undefined || frame.hasMore || BEYOND_ASCII.test(text.raw))
            return refused('playlist_invalid')
          if (kind === 'base' && !SCOPES.has(parent.name)) return refused('playlist_invalid')
          const raw = text.raw.trim()
          const reference = add(kind, raw, text.from + text.raw.indexOf(raw))
          if (kind === 'base') scopeOf(parent).bases.push(reference)
        }
        frame = parent
      }
    }
  }
  return { scopes, references, ids }
}

function kindOf(element: string, { name, raw }: XmlAttribute): MpdReference['kind'] | 'refused' | undefined {
  if (REFUSED.has(name)) return 'refused'
  if (NAMES.test(name))
    return name === 'schemeIdUri' && CALLBACK.test(decodeXml(raw) ?? '') ? 'refused' : undefined
  const local = localName(name)
  // xlink: what it names is put in its place, by the player.
  if (local === 'href') return 'unread'
  return ATTRIBUTES.get(`${element} ${local}`) ?? (isSuspect(raw) ? 'reference' : undefined)
}

function isSuspect(raw: string): boolean {
  // WHATWG's URL takes out what else would hide a scheme.
  const text = (decodeXml(raw) ?? '').replace(/[\t\n\r]/g, '')
  // Of a template nobody knows what it becomes.
  return leadsAway(text) || hasScheme(text) || (text.includes('$') && /:|\.\./.test(text))
}

function localName(name: string): string {
  return name.slice(name.indexOf(':') + 1)
}
