import { type Refused, refused } from '../refusal.ts'
import { attributesOf } from './attributes.ts'
import { hasNoEnding, kindOfName } from './kind.ts'
import { type Folders, folderOf, type PlaylistContext, relativeReference } from './reference.ts'
import { hasScheme, leadsAway } from './suspect.ts'

// Control characters (RFC 8216 4.1 allows none), and what some players take for white space or the end of a line.
const FOREIGN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it may not hold
  /[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff]|\r(?!\n)/
// What may be a tag to some player. hls.js finds tags anywhere in a line, so one inside a comment, a title or
// a quoted text is a tag to it.
const TAG_LIKE = /#\s*ext(?:m3u|inf|-|vlc)/i
const TAG = /^#(EXT[A-Z0-9-]*)(?::(.*))?$/
// Exactly so: after anything else hls.js takes the rest of the line for the URI of a segment.
const EXTINF = /^ ?[0-9]+(?:\.[0-9]*)?(?:,(.*))?$/

/** Tags whose value is a list of attributes (RFC 8216 and its second edition), whatever else an unknown one has. */
const ATTRIBUTED: ReadonlySet<string> = new Set(
  (
    'MAP KEY SESSION-KEY MEDIA STREAM-INF I-FRAME-STREAM-INF PART PART-INF PRELOAD-HINT RENDITION-REPORT ' +
    'SESSION-DATA DATERANGE CONTENT-STEERING SERVER-CONTROL START SKIP'
  )
    .split(' ')
    .map(name => `EXT-X-${name}`),
)
/**
 * Tags that no playlist may have. EXT-X-DEFINE puts texts into URIs after we have looked at them, and may take them
 * from the query of the playlist's own URL; EXTVLCOPT sets options of a player.
 */
const REFUSED: ReadonlySet<string> = new Set(['EXT-X-DEFINE', 'EXTVLCOPT'])
const VARIANT = 'EXT-X-STREAM-INF'
/** What the next line that is no tag and no comment belongs to. */
const BEFORE_A_URI: ReadonlySet<string> = new Set(['EXTINF', VARIANT])
/**
 * Whose URI a player reads as a playlist, whatever it is. It must be one that is looked at when it is asked for: else
 * a playlist in the clothes of a segment would lead out.
 */
const TO_PLAYLISTS: ReadonlySet<string> = new Set([
  'EXT-X-MEDIA',
  'EXT-X-I-FRAME-STREAM-INF',
  'EXT-X-RENDITION-REPORT',
  'EXT-X-DATERANGE',
])

/** Attributes whose value is a URI, in a tag that is known and in one that is not. */
const URI = /(?:^|-)UR[IL]$|^X-ASSET-LIST$/
/**
 * Those of them that name a document which names further URIs, and which no one rewrites: with content steering
 * (`SERVER-URI`), the host of every URI is replaced and its path kept, ticket and all.
 */
const UNREAD: readonly string[] = ['SERVER-URI', 'X-ASSET-LIST']
/** Attributes that hold names. They may look like `urn:…` or `com.example:…`, and nobody fetches them. */
const NAMES: ReadonlySet<string> = new Set(['KEYFORMAT', 'CLASS', 'SCHEME-ID-URI', 'ALLOWED-CPC'])
/**
 * Rewrites a playlist of HLS, line by line. Unknown tags, comments and line ends stay as they are. No parser of a
 * library does that: they keep what they know and lose the rest.
 */
export function rewriteHls(text: string, context: PlaylistContext): { readonly text: string } | Refused {
  // RFC 8216 4.1: no byte order mark. Some files have one, and some players stop at it.
  const source = text.startsWith('\ufeff') ? text.slice(1) : text
  // A variable in a URI: what it stands for we can't know.
  if (FOREIGN.test(source) || source.includes('{$')) return refused('playlist_invalid')
  const folder = folderOf(context)
  let written = ''
  let copied = 0
  let begun = false
  const awaiting = new Set<string>()
  for (let start = 0; start < source.length; ) {
    const end = endOfLine(source, start)
    const line = source.slice(start, source[end - 1] === '\r' ? end - 1 : end)
    if (!begun && line !== '#EXTM3U') return refused('playlist_invalid')
    begun = true
    const rewritten = rewriteLine(line, folder, context)
    if (typeof rewritten !== 'string') return rewritten
    if (line.startsWith('#')) {
      const tag = TAG.exec(line)?.[1] ?? ''
      if (BEFORE_A_URI.has(tag)) awaiting.add(tag)
    } else if (line !== '') {
      if (awaiting.has(VARIANT) && !namesPlaylist(rewritten)) return refused('playlist_invalid')
      awaiting.clear()
    }
    if (rewritten !== line) {
      written += source.slice(copied, start) + rewritten
      copied = start + line.length
    }
    start = end + 1
  }
  // At the end of the file hls.js takes the last characters of such a tag for the URI that is missing.
  if (!begun || awaiting.size > 0) return refused('playlist_invalid')
  return { text: written + source.slice(copied) }
}

function endOfLine(source: string, start: number): number {
  const end = source.indexOf('\n', start)
  return end < 0 ? source.length : end
}

function rewriteLine(line: string, folder: Folders | undefined, context: PlaylistContext): string | Refused {
  if (line === '') return line
  if (!line.startsWith('#')) return relativeReference(line, folder, context)
  if (TAG_LIKE.test(line.slice(1))) return refused('playlist_invalid')
  if (!TAG_LIKE.test(line) && !line.startsWith('#EXT')) return line
  const [, name, value] = TAG.exec(line) ?? []
  if (name === undefined || REFUSED.has(name)) return refused('playlist_invalid')
  if (name === 'EXTINF') return isDuration(value) ? line : refused('playlist_invalid')
  if (value === undefined) return line
  const rewritten = rewriteValue(name, value, folder, context)
  return typeof rewritten === 'string' ? `#${name}:${rewritten}` : rewritten
}

function isDuration(value: string | undefined): boolean {
  const match = EXTINF.exec(value ?? '')
  // Some players read attributes out of a title, where others wrote them.
  return match !== null && !/["#\\]|\/\//.test(match[1] ?? '')
}

function rewriteValue(
  tag: string,
  value: string,
  folder: Folders | undefined,
  context: PlaylistContext,
): string | Refused {
  const attributes = attributesOf(value)
  if (attributes === undefined) {
    if (ATTRIBUTED.has(tag)) return refused('playlist_invalid')
    if (leadsAway(value) || hasScheme(value)) return relativeReference(value, folder, context)
    // A number, a time, a byte range, or a text; but nothing that someone might yet read as a list.
    return /["'\\]|ur[il]\s*=/i.test(value) ? refused('playlist_invalid') : value
  }
  let written = ''
  let copied = 0
  const seen = new Set<string>()
  for (const { name, quoted, text, from, to } of attributes) {
    // Of two, some players take the first and some the last.
    if (seen.has(name) || text.includes('\\')) return refused('playlist_invalid')
    seen.add(name)
    const isUri = URI.test(name)
    if (isUri && !quoted) return refused('playlist_invalid')
    if (!isUri && !leadsAway(text) && (NAMES.has(name) || !hasScheme(text))) continue
    const reference = relativeReference(text, folder, context)
    if (typeof reference !== 'string') return reference
    if (isUri && TO_PLAYLISTS.has(tag) && !namesPlaylist(reference)) return refused('playlist_invalid')
    written += value.slice(copied, from) + reference
    copied = to
  }
  const unread = tag === 'EXT-X-CONTENT-STEERING' || UNREAD.some(name => seen.has(name))
  return unread ? refused('playlist_invalid') : written + value.slice(copied)
}

function namesPlaylist(reference: string): boolean {
  const [name = ''] = reference.split('?')
  return kindOfName(name) === 'hls' || hasNoEnding(name)
}
