import { INERT_MEDIA } from './response-headers.ts'

/**
 * The media types that are delivered as such, with their file name endings. A file is saved with the first one. Each ending
 * occurs once.
 */
const MEDIA_TYPES: Readonly<Record<string, readonly string[]>> = {
  'video/mp4': ['mp4', 'm4v', 'm4s', 'cmfv'],
  'video/webm': ['webm'],
  'video/x-matroska': ['mkv'],
  // The registered name of the same type (RFC 9559 27.3).
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

/** The type that all other objects are delivered as. No browser runs it. */
export const UNKNOWN_TYPE = 'application/octet-stream'

/** Other names that browsers and tools use for a listed type. Chromium uses `audio/x-m4a` for every `.m4a`. */
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

/** What stores and tools write if no type was given. */
const NO_TYPE: ReadonlySet<string> = new Set(['', UNKNOWN_TYPE, 'binary/octet-stream'])

const BY_ENDING = new Map(
  Object.entries(MEDIA_TYPES).flatMap(([type, endings]) => endings.map(ending => [ending, type] as const)),
)

// A browser shows these without running any of their content. The list above has no SVG, which can contain scripts.
const INERT = /^(?:video|audio|image)\/|^application\/(?:vnd\.apple\.mpegurl|dash\+xml)$/
const TEXT_TYPES: ReadonlySet<string> = new Set([
  'text/vtt',
  'application/x-subrip',
  'text/plain',
  'application/json',
])

/** How a media type is delivered. */
export interface MediaDelivery {
  readonly type: string
  /** Whether it is video, audio, an image or a playlist, none of which can run code in a browser. */
  readonly inert: boolean
  /** The headers that follow from the type alone. */
  readonly headers: Readonly<Record<string, string>>
  /** Whether a browser should save it instead of showing it. */
  readonly saved: boolean
  /** The ending of a file of this type, with its dot. Empty if the type has none. */
  readonly ending: string
}

function delivery(type: string, [ending]: readonly string[] = []): MediaDelivery {
  const inert = INERT.test(type)
  return {
    type,
    inert,
    headers: { 'Content-Type': type, ...(inert && INERT_MEDIA) },
    // A PDF can run scripts in its viewer, and a browser could only guess what an unknown type is.
    saved: !inert && !TEXT_TYPES.has(type),
    ending: ending === undefined ? '' : `.${ending}`,
  }
}

const DELIVERIES = new Map(
  Object.entries(MEDIA_TYPES).map(([type, endings]) => [type, delivery(type, endings)]),
)
const UNKNOWN_DELIVERY = delivery(UNKNOWN_TYPE)

/**
 * Decides how a stored object is delivered. A stored `text/html` would be a page that runs under our origin, so only
 * listed types count, without parameters. An object that was stored without a type gets the one of its name's ending.
 *
 * @param name the name of the part, or the object's key
 */
export function deliveryOf(stored: string | undefined, name: string): MediaDelivery {
  const storedType = stored?.split(';')[0]?.trim().toLowerCase() ?? ''
  const type = NO_TYPE.has(storedType) ? mediaTypeOf(name) : (ALIASES.get(storedType) ?? storedType)
  return DELIVERIES.get(type) ?? UNKNOWN_DELIVERY
}

/** Returns the media type to deliver an object with, by its stored type alone. */
export function safeMediaType(stored: string | undefined): string {
  return deliveryOf(stored, '').type
}

/** Returns the media type of a file name's ending. */
export function mediaTypeOf(name: string): string {
  const ending = /\.([A-Za-z0-9]{1,5})$/.exec(name)?.[1] ?? ''
  return BY_ENDING.get(ending.toLowerCase()) ?? UNKNOWN_TYPE
}
