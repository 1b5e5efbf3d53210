import { Refusal } from '../refusal.ts'
import { attributesOf } from './attributes.ts'
import {
  type Folders,
  folderOf,
  namesPlaylist,
  type PlaylistContext,
  relativeReference,
} from './reference.ts'
import { lineAt, refuseValue, spotted } from './spot.ts'
import { leadsAway } from './suspect.ts'
import { isUriOfHls, type Role, roleInHls } from './vocabulary.ts'

// Control characters (RFC 8216 4.1 allows none), and what some players take for white space or the end of a line. A tab
// stays: Apple's own segmenter writes one.
const FOREIGN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it may not hold
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]|\r(?!\n)/
const TAG = /#((?:EXT|KODIPROP|WEBPROP)[\w-]*)[ \t]*:?/iy
// Tags are in capital letters (RFC 8216 4.1), and hls.js, m3u8-parser and shaka-player take no others: `#Extracted from` is a
// comment. Of what leads anywhere, also what VLC, Kodi and others would take in small letters counts.
const TAG_IN_ANY_CASE = /^(?:EXT(?:-X-|INF|VLCOPT|HTTP)|KODIPROP|WEBPROP)/i
/** Eight hours in segments of two seconds, each with its duration and date, have 43,200. */
const MOST_LINES = 50_000
/** Most tags that a comment may mention: each is read to the end of the line. */
const MOST_IN_A_LINE = 4
const VARIANT = 'EXT-X-STREAM-INF'
// In the middle of a line, only hls.js takes it for a tag, and only with its colon.
const HAS_VARIANT = /^[ \t]*#EXT-X-STREAM-INF|#EXT-X-STREAM-INF[ \t]*:/im
// Without either, ffmpeg, mpv and VLC take the file for a plain M3U, whose entries may be playlists.
const NAMES_MEDIA = /^#EXT-X-(?:TARGETDURATION|MEDIA-SEQUENCE):/m
/** How far those are looked for, in characters: VLC looks for them in the first 8 KiB. */
const BEGINNING = 2048
// Exactly so: after anything else hls.js takes the rest of the line for the URI of a segment.
const DURATION = /^[ \t]*(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:,(.*))?$/
// Then that URI begins with a minus and a digit or with a comma, so that it can name no host.
const ODD_DURATION = /^[ \t]*(?:-[0-9]|[0-9.]+[ \t]+(?:,|$))/
// Where some players would see a URI, or a list of them, in whatever way they split an attribute list.
const URI_BEGINS = /UR[IL]S?\s*=/gi
const URI_BEGINS_AT_END = /UR[IL]S?\s*=$/i
// Attribute lists as the standard has them, without backslashes: every player splits them alike.
const STANDARD = /^(?:[A-Z0-9-]+=(?:"[^"\\]*"|[^"\\,=\s]*)(?:,|$))+$/
const MORE_BEGINS = /X-(?:ASSET|AD|BACKGROUND)/i
// A player that is told that this is an MPD looks for one wherever it begins.
const MPD = /<(?:[^<>:\s]*:)?MPD/i
// Chapters of Apple's: a document that names pictures by URL.
const CHAPTERS = /com\.apple\.hls\.chapters/i

/**
 * Rewrites a playlist of HLS, line by line. Unknown tags, comments and line ends stay as they are. No parser of a
 * library does that: they keep what they know and lose the rest.
 */
export function rewriteHls(text: string, context: PlaylistContext): { readonly text: string } | Refusal {
  // RFC 8216 4.1: no byte order mark. Some files have one, and some players stop at it.
  return new Rewriter(text.startsWith('\ufeff') ? text.slice(1) : text, context).rewrite()
}

class Rewriter {
  readonly #source: string
  readonly #context: PlaylistContext
  readonly #folder: Folders | undefined
  /** With one variant in a playlist, video.js takes every URI for one, also those of segments before it. */
  readonly #roleOfUri: Role
  #line = 0
  #written = ''
  #copied = 0
  #awaitsUri = false

  constructor(source: string, context: PlaylistContext) {
    this.#source = source
    this.#context = context
    this.#folder = folderOf(context)
    const isMedia = NAMES_MEDIA.test(source.slice(0, BEGINNING)) && !HAS_VARIANT.test(source)
    this.#roleOfUri = isMedia ? 'part' : 'playlist'
  }

  rewrite(): { readonly text: string } | Refusal {
    const source = this.#source
    const foreign = FOREIGN.exec(source) ?? MPD.exec(source)
    if (foreign !== null) return spotted(new Refusal('playlist_invalid'), lineAt(source, foreign.index))
    for (let start = 0; start < source.length; ) {
      const found = source.indexOf('\n', start)
      const end = found < 0 ? source.length : found
      this.#line += 1
      const refusal = this.#line > MOST_LINES ? this.#refuse() : this.#readLine(start, end)
      if (refusal !== undefined) return refusal
      start = end + 1
    }
    // At the end of the file hls.js takes the last characters of such a tag for the URI that is missing.
    if (this.#line === 0 || this.#awaitsUri)
      return spotted(new Refusal('playlist_invalid'), Math.max(1, this.#line))
    return { text: this.#written + source.slice(this.#copied) }
  }

  #readLine(start: number, end: number): Refusal | undefined {
    const whole = this.#source.slice(start, end).trimEnd()
    const text = whole.trimStart()
    const from = start + whole.length - text.length
    if (this.#line === 1) return whole === '#EXTM3U' ? undefined : this.#refuse()
    if (text === '') return undefined
    if (!text.startsWith('#')) {
      this.#awaitsUri = false
      return this.#readReference(text, from, this.#roleOfUri)
    }
    let tags = 0
    for (let index = 0; index >= 0; index = text.indexOf('#', index + 1)) {
      TAG.lastIndex = index
      const tag = TAG.exec(text)?.[1]
      // hls.js finds tags anywhere in a line, but there only with their colon.
      if (tag === undefined || (index > 0 && text[TAG.lastIndex - 1] !== ':')) continue
      if (!tag.startsWith('EXT') && !TAG_IN_ANY_CASE.test(tag)) continue
      tags += 1
      // Some players see no tag after white space.
      if (tags > MOST_IN_A_LINE || (index === 0 && from > start)) return this.#refuse()
      const refusal = this.#readTag(
        tag.toUpperCase(),
        text.slice(TAG.lastIndex),
        from + TAG.lastIndex,
        index > 0,
      )
      if (refusal !== undefined) return refusal
    }
    return undefined
  }

  /** A tag that a comment or a title mentions with its colon is a tag to hls.js. */
  #readTag(tag: string, value: string, at: number, isMentioned: boolean): Refusal | undefined {
    const role = roleInHls(tag)
    if (role === 'never') return this.#refuse(tag, undefined, refuseValue(value))
    if (tag === VARIANT || (tag === 'EXTINF' && !isMentioned)) this.#awaitsUri = true
    if (tag === 'EXTINF') return isMentioned ? undefined : this.#readDuration(value)
    const [written, copied] = [this.#written, this.#copied]
    const refusal =
      role === 'part' ? this.#readReference(value, at, role, tag) : this.#readList(tag, value, at)
    if (refusal !== undefined || !isMentioned) return refusal
    // What is mentioned is not made relative: it might be mentioned twice.
    return this.#written === written && this.#copied === copied ? undefined : this.#refuse(tag)
  }

  #readDuration(value: string): Refusal | undefined {
    const clean = DURATION.exec(value)
    if (clean === null && !ODD_DURATION.test(value)) return this.#refuse('EXTINF')
    // Some players read attributes out of a title, where others wrote them.
    const isText = clean !== null && !/=\s*"/.test(clean[1] ?? '')
    return isText || !leadsAway(value)
      ? undefined
      : this.#refuse('EXTINF', undefined, new Refusal('playlist_outside'))
  }

  #readList(tag: string, list: string, at: number): Refusal | undefined {
    // An attribute's name that sticks to its tag: ExoPlayer goes by how a tag begins.
    if (list.startsWith('=')) return this.#refuse(tag)
    const attributes = attributesOf(list)
    let uris = urisIn(list)
    if (attributes === undefined) {
      return uris > 0 || MORE_BEGINS.test(list) ? this.#refuse(tag) : this.#refuseAway(tag, list)
    }
    // A URI that stands where it is none to us may be one to others, but not within a text that all of them see the ends of.
    const isStandard = uris > 0 && STANDARD.test(list)
    let found = 0
    for (const { name, value } of attributes) {
      if (isUriOfHls(name)) found += 1
      // At its end ExoPlayer would take the next quote for one that begins a URI.
      if (isStandard && roleInHls(tag, name) === 'text' && !URI_BEGINS_AT_END.test(value))
        uris -= urisIn(value)
    }
    if (uris !== found) return this.#refuse(tag)
    if (uris > 0 && CHAPTERS.test(list)) return this.#refuse(tag, 'DATA-ID')
    let rest = ''
    let copied = 0
    const seen: string[] = []
    for (const { name, value, from, to } of attributes) {
      const role = roleInHls(tag, name)
      if (role === 'rest') continue
      rest += list.slice(copied, from)
      copied = to
      if (role === 'never') return this.#refuse(tag, name, refuseValue(value))
      if (role === 'text' || value === '') continue
      // Of two, some players take the first and some the last.
      if (seen.includes(name)) return this.#refuse(tag, name)
      seen.push(name)
      const refusal = this.#readReference(value, at + from, role, tag, name)
      if (refusal !== undefined) return refusal
    }
    return this.#refuseAway(tag, rest + list.slice(copied))
  }

  #readReference(
    reference: string,
    from: number,
    role: Role,
    tag?: string,
    name?: string,
  ): Refusal | undefined {
    const relative = relativeReference(reference, this.#folder, this.#context)
    if (typeof relative !== 'string') return this.#refuse(tag, name, relative)
    // Else a playlist in the clothes of a segment would lead out.
    if (role === 'playlist' && !namesPlaylist(relative, 'hls')) return this.#refuse(tag, name)
    if (relative === reference) return undefined
    this.#written += this.#source.slice(this.#copied, from) + relative
    this.#copied = from + reference.length
    return undefined
  }

  #refuseAway(tag: string, value: string): Refusal | undefined {
    return leadsAway(value) ? this.#refuse(tag, undefined, new Refusal('playlist_outside')) : undefined
  }

  #refuse(tag?: string, attribute?: string, refusal: Refusal = new Refusal('playlist_invalid')): Refusal {
    return spotted(refusal, this.#line, tag, attribute)
  }
}

function urisIn(list: string): number {
  URI_BEGINS.lastIndex = 0
  let uris = 0
  while (URI_BEGINS.test(list)) uris += 1
  return uris
}
