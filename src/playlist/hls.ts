import { Refusal } from '../refusal.ts'
import { parseAttributes } from './attributes.ts'
import type { PlaylistContext } from './context.ts'
import { type Folders, folderOf } from './folders.ts'
import { kindOfName } from './kind.ts'
import { relativeReference } from './reference.ts'
import { leadsAway, lineAt, refuseAt, refuseValue } from './refuse.ts'
import { isUriOfHls, type Role, roleInHls } from './vocabulary.ts'

// Control characters, which RFC 8216 4.1 forbids, and what some players take for white space or the end of a line. A tab
// is accepted: Apple's own segmenter writes one.
const FOREIGN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a playlist may not contain
  /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]|\r(?!\n)/
const TAG = /#((?:EXT|KODIPROP|WEBPROP)[\w-]*)[ \t]*:?/iy
// Tags are in capital letters (RFC 8216 4.1), and hls.js, m3u8-parser and shaka-player accept no others: `#Extracted from`
// is a comment. Tags that lead anywhere also count in small letters, as VLC, Kodi and others would accept them.
const TAG_IN_ANY_CASE = /^(?:EXT(?:-X-|INF|VLCOPT|HTTP)|KODIPROP|WEBPROP)/i
/** Eight hours in segments of two seconds, each with its duration and date, have 43,200 lines. */
const MAX_LINES = 50_000
/** Most tags that a comment may mention. Each is read to the end of the line, so more would take quadratic time. */
const MAX_TAGS_IN_A_LINE = 4
const VARIANT = 'EXT-X-STREAM-INF'
// In the middle of a line, only hls.js takes it for a tag, and only with its colon.
const HAS_VARIANT = /^[ \t]*#EXT-X-STREAM-INF|#EXT-X-STREAM-INF[ \t]*:/im
// Without either tag, ffmpeg, mpv and VLC take the file for a plain M3U, whose entries may be playlists.
const NAMES_MEDIA = /^#EXT-X-(?:TARGETDURATION|MEDIA-SEQUENCE):/m
/** How many characters those tags are looked for in. VLC looks in the first 8 KiB. */
const BEGINNING = 2048
// After anything else some version of hls.js takes the rest of the line for the URI of a segment, or splits it at a tab and
// takes each piece for one.
const DURATION = /^[ \t]*(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:,(.*))?$/
// These are harmless: without a slash, a backslash or a colon, such a URI names a file beside the playlist.
const ODD_DURATION = /^[ \t]*(?:-[0-9]|[0-9]+\.(?:,|$)|[0-9.]+[ \t]+(?:,|$))[^/\\:]*$/
// Matches wherever some player would see a URI, or a list of URIs, however it splits an attribute list.
const URI_BEGINS = /UR[IL]S?\s*=/gi
const URI_BEGINS_AT_END = /UR[IL]S?\s*=$/i
// Attribute lists as the standard writes them, without backslashes. All players split these in the same way.
const STANDARD = /^(?:[A-Z0-9-]+=(?:"[^"\\]*"|[^"\\,=\s]*)(?:,|$))+$/
const MORE_BEGINS = /X-(?:ASSET|AD|BACKGROUND)/i
// A player that takes this for an MPD, because of its media type or because its app says so, would look for one anywhere.
const MPD = /<(?:[^<>:\s]*:)?MPD/i
// Apple's chapters: a document that names pictures by URL.
const CHAPTERS = /com\.apple\.hls\.chapters/i

/** A URI, and its position in the playlist. */
interface Reference {
  readonly role: Role
  readonly value: string
  readonly from: number
  readonly tag?: string
  readonly attribute?: string
}

/**
 * Rewrites an HLS playlist, line by line. Unknown tags, comments and line endings stay as they are. A library's parser
 * can't do that: it keeps what it knows, and loses the rest.
 *
 * @param source without a byte order mark
 */
export function rewriteHls(source: string, context: PlaylistContext): string | Refusal {
  return new HlsRewriter(source, context).rewrite()
}

class HlsRewriter {
  readonly #source: string
  readonly #context: PlaylistContext
  readonly #folder: Folders | undefined
  /** If a playlist has one variant, video.js takes every URI for a playlist, even those of segments before it. */
  readonly #roleOfUri: Role
  #line = 0
  #written = ''
  #copied = 0
  #awaitsUri = false

  constructor(source: string, context: PlaylistContext) {
    this.#source = source
    this.#context = context
    this.#folder = context.part === undefined ? undefined : folderOf(context.part)
    const isMedia = NAMES_MEDIA.test(source.slice(0, BEGINNING)) && !HAS_VARIANT.test(source)
    this.#roleOfUri = isMedia ? 'part' : 'playlist'
  }

  rewrite(): string | Refusal {
    const source = this.#source
    const foreign = FOREIGN.exec(source) ?? MPD.exec(source)
    if (foreign !== null)
      return refuseAt(new Refusal('playlist_invalid'), { line: lineAt(source, foreign.index) })
    let start = 0
    do {
      const found = source.indexOf('\n', start)
      const end = found < 0 ? source.length : found
      this.#line += 1
      const refusal = this.#line > MAX_LINES ? this.#refuse() : this.#readLine(start, end)
      if (refusal !== undefined) return refusal
      start = end + 1
    } while (start < source.length)
    // At the end of the file hls.js takes the last characters of such a tag for the missing URI.
    return this.#awaitsUri ? this.#refuse() : this.#written + source.slice(this.#copied)
  }

  #readLine(start: number, end: number): Refusal | undefined {
    const whole = this.#source.slice(start, end).trimEnd()
    const line = whole.trimStart()
    const from = start + whole.length - line.length
    if (this.#line === 1) return whole === '#EXTM3U' ? undefined : this.#refuse()
    if (line === '') return undefined
    if (!line.startsWith('#')) {
      this.#awaitsUri = false
      return this.#readReference({ role: this.#roleOfUri, value: line, from })
    }
    // Some players take an indented tag for a comment. hls.js and ffmpeg take an indented comment for a URI.
    if (from > start) return this.#refuse()
    let tags = 0
    for (let index = 0; index >= 0; index = line.indexOf('#', index + 1)) {
      TAG.lastIndex = index
      const tag = TAG.exec(line)?.[1]
      // hls.js finds tags anywhere in a line, but in the middle only with their colon.
      if (tag === undefined || (index > 0 && line[TAG.lastIndex - 1] !== ':')) continue
      if (!tag.startsWith('EXT') && !TAG_IN_ANY_CASE.test(tag)) continue
      tags += 1
      if (tags > MAX_TAGS_IN_A_LINE) return this.#refuse()
      const [name, value, at] = [tag.toUpperCase(), line.slice(TAG.lastIndex), from + TAG.lastIndex]
      const refusal = index === 0 ? this.#readTag(name, value, at) : this.#readMentionedTag(name, value, at)
      if (refusal !== undefined) return refusal
    }
    return undefined
  }

  #readTag(tag: string, value: string, from: number): Refusal | undefined {
    if (tag === 'EXTINF') {
      this.#awaitsUri = true
      return this.#readDuration(value)
    }
    if (tag === VARIANT) this.#awaitsUri = true
    const role = roleInHls(tag)
    if (role === 'never') return this.#refuse(tag, undefined, refuseValue(value))
    return role === 'part'
      ? this.#readReference({ role, value, from, tag })
      : this.#readAttributes(tag, value, from)
  }

  /** Reads a tag that a comment or a title mentions with its colon: to hls.js it is a tag. */
  #readMentionedTag(tag: string, value: string, from: number): Refusal | undefined {
    if (tag === 'EXTINF') return undefined
    const written = this.#written
    const refusal = this.#readTag(tag, value, from)
    if (refusal !== undefined) return refusal
    // Its URI is not made relative: another tag that is mentioned within its value may have the same URI.
    return this.#written === written ? undefined : this.#refuse(tag)
  }

  #readDuration(value: string): Refusal | undefined {
    const duration = DURATION.exec(value)
    if (duration === null && !ODD_DURATION.test(value))
      return this.#refuse('EXTINF', undefined, refuseValue(value))
    // Some players read attributes in a title, as some packagers write them there.
    const isTitle = duration !== null && !/=\s*"/.test(duration[1] ?? '')
    return isTitle ? undefined : this.#refuseAway('EXTINF', value)
  }

  #readAttributes(tag: string, list: string, from: number): Refusal | undefined {
    // The tag's name runs on into an attribute's. ExoPlayer goes by how a tag begins.
    if (list.startsWith('=')) return this.#refuse(tag)
    const attributes = parseAttributes(list)
    let uris = countUris(list)
    if (attributes === undefined)
      return uris > 0 || MORE_BEGINS.test(list) ? this.#refuse(tag) : this.#refuseAway(tag, list)
    // A URI that is not an attribute's here may be one to some players, unless all agree that it is in a quoted string.
    const isStandard = uris > 0 && STANDARD.test(list)
    let found = 0
    for (const { name, value } of attributes) {
      if (isUriOfHls(name)) found += 1
      // After a string that ends so, ExoPlayer would take the next quote for the one that begins a URI.
      if (isStandard && roleInHls(tag, name) === 'text' && !URI_BEGINS_AT_END.test(value))
        uris -= countUris(value)
    }
    if (uris !== found) return this.#refuse(tag)
    if (uris > 0 && CHAPTERS.test(list)) return this.#refuse(tag, 'DATA-ID')
    let rest = ''
    let copied = 0
    const seen: string[] = []
    for (const attribute of attributes) {
      const { name, value } = attribute
      const role = roleInHls(tag, name)
      if (role === 'rest') continue
      rest += list.slice(copied, attribute.from)
      copied = attribute.to
      if (role === 'never') return this.#refuse(tag, name, refuseValue(value))
      if (role === 'text' || value === '') continue
      // Of two with the same name, some players take the first and some the last.
      if (seen.includes(name)) return this.#refuse(tag, name)
      seen.push(name)
      const refusal = this.#readReference({ role, value, from: from + attribute.from, tag, attribute: name })
      if (refusal !== undefined) return refusal
    }
    return this.#refuseAway(tag, rest + list.slice(copied))
  }

  #readReference({ role, value, from, tag, attribute }: Reference): Refusal | undefined {
    const relative = relativeReference(value, this.#folder, this.#context)
    if (relative instanceof Refusal) return this.#refuse(tag, attribute, relative)
    // The gate reads as a playlist only what has the ending of one. Anything else could lead out unread: its first bytes
    // show less than players accept, such as UTF-16, and as an MPD it would be checked by other rules.
    const [name = ''] = relative.split('?')
    if (role === 'playlist' && kindOfName(name) !== 'hls') return this.#refuse(tag, attribute)
    if (relative === value) return undefined
    this.#written += this.#source.slice(this.#copied, from) + relative
    this.#copied = from + value.length
    return undefined
  }

  #refuseAway(tag: string, value: string): Refusal | undefined {
    return leadsAway(value) ? this.#refuse(tag, undefined, new Refusal('playlist_outside')) : undefined
  }

  #refuse(tag?: string, attribute?: string, refusal: Refusal = new Refusal('playlist_invalid')): Refusal {
    return refuseAt(refusal, { line: this.#line, tag, attribute })
  }
}

/** Counts what any player could take for the beginning of a URI. */
function countUris(list: string): number {
  URI_BEGINS.lastIndex = 0
  let uris = 0
  while (URI_BEGINS.test(list)) uris += 1
  return uris
}
