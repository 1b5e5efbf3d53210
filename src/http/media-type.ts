import { INERT_MEDIA } from './response-headers.ts'

/**
 * Media types that are delivered as they are, with the file name endings that they go by. The first is the one that a
 * file is saved with. Each ending is here once.
 */
const MEDIA_TYPES: Readonly<Record<string, readonly string[]>> = {
  'video/mp4': ['mp4', 'm4v', 'm4s', 'cmfv'],
  'video/webm': ['webm'],
  'video/x-matroska': ['mkv'],
  // The registered name of it (RFC 9559 27.3).
  'video/matroska': [],
  'video/mp2t': ['ts'],
  'video/quicktime': ['mov'],
  'video/iso.segment': [],
  'audio/mp4': ['m4a', 'cmfa'],
  'audio/aac': ['aac'],
  'audio/flac': ['flac'],
  'audio/mpeg': ['mp3'],
  'audio/ogg': ['ogg', 'oga', 'opus'],
  'audio/wav': ['wav'],
  'audio/webm': ['weba'],
  'application/vnd.apple.mpegurl': ['m3u8'],
  'application/dash+xml': ['mpd'],
  'image/jpeg': ['jpg', 'jpeg'],
  'image/png': ['png'],
  'image/webp': ['webp'],
  'image/avif': ['avif'],
  'image/gif': ['gif'],
  'text/vtt': ['vtt'],
  'application/x-subrip': ['srt'],
  'text/plain': ['txt'],
  'application/json': ['json'],
  'application/pdf': ['pdf'],
}

/** What everything else is delivered as: bytes that no browser runs. */
export const UNKNOWN_TYPE = 'application/octet-stream'

/** Names that browsers and tools give to files of a listed type: Chromium says `audio/x-m4a` of every `.m4a`. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['audio/m4a', 'audio/mp4'],
  ['audio/x-m4a', 'audio/mp4'],
  ['video/x-m4v', 'video/mp4'],
  ['audio/x-aac', 'audio/aac'],
  ['audio/x-flac', 'audio/flac'],
  ['audio/mp3', 'audio/mpeg'],
  ['audio/wave', 'audio/wav'],
  ['audio/x-wav', 'audio/wav'],
  ['audio/vnd.wave', 'audio/wav'],
  ['image/jpg', 'image/jpeg'],
])

/** What stores and tools write where they were told no type. */
const NO_TYPE: ReadonlySet<string> = new Set(['', UNKNOWN_TYPE, 'binary/octet-stream'])

const BY_ENDING = new Map(
  Object.entries(MEDIA_TYPES).flatMap(([type, endings]) => endings.map(ending => [ending, type] as const)),
)

// A browser shows these without running anything of them. The list above has no SVG, which can hold scripts.
const INERT = /^(?:video|audio|image)\/|^application\/(?:vnd\.apple\.mpegurl|dash\+xml)$/
const TEXT: ReadonlySet<string> = new Set([
  'text/vtt',
  'application/x-subrip',
  'text/plain',
  'application/json',
])

/** How a media type is delivered. */
export interface Delivery {
  readonly type: string
  /** Whether it is video, audio, a picture of pixels or a playlist: a browser runs nothing of it. */
  readonly inert: boolean
  /** The headers that follow from the type alone. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether a browser is to save it instead of showing it. */
  readonly saved: boolean
  /** The ending of a file of this type, with its dot; empty if the type has none. */
  readonly ending: string
}

function delivery(type: string, [ending]: readonly string[] = []): Delivery {
  const inert = INERT.test(type)
  return {
    type,
    inert,
    headers: { 'Content-Type': type, ...(inert && INERT_MEDIA) },
    // A PDF can run scripts in its viewer. Of what is unknown a browser could only guess.
    saved: !inert && !TEXT.has(type),
    ending: ending === undefined ? '' : `.${ending}`,
  }
}

const DELIVERIES = new Map(
  Object.entries(MEDIA_TYPES).map(([type, endings]) => [type, delivery(type, endings)]),
)
const UNKNOWN = delivery(UNKNOWN_TYPE)

/**
 * Decides how a stored object is delivered. A stored `text/html` would be a page that runs under our origin, so only
 * what is on the list counts, without parameters. An object that was stored without a type has the one that its name
 * tells.
 *
 * @param name the name of the part, or the object's key
 */
export function deliveryOf(stored: string | undefined, name: string): Delivery {
  const told = stored?.split(';')[0]?.trim().toLowerCase() ?? ''
  const type = NO_TYPE.has(told) ? mediaTypeOf(name) : (ALIASES.get(told) ?? told)
  return DELIVERIES.get(type) ?? UNKNOWN
}

/** The media type to deliver an object with by its stored type alone. */
export function safeMediaType(stored: string | undefined): string {
  return deliveryOf(stored, '').type
}

/** The media type that a file name tells by its ending. */
export function mediaTypeOf(name: string): string {
  const ending = /\.([A-Za-z0-9]{1,5})$/.exec(name)?.[1] ?? ''
  return BY_ENDING.get(ending.toLowerCase()) ?? UNKNOWN_TYPE
}
