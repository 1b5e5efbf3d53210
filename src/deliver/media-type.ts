/** Media types that are delivered as they are, with the file name endings that they go by. */
const MEDIA_TYPES: Readonly<Record<string, readonly string[]>> = {
  'video/mp4': ['mp4', 'm4v', 'm4s', 'cmfv'],
  'video/webm': ['webm'],
  'video/mp2t': ['ts'],
  'video/quicktime': ['mov'],
  'video/iso.segment': [],
  'audio/mp4': ['m4a', 'cmfa'],
  'audio/aac': ['aac'],
  'audio/mpeg': ['mp3'],
  'audio/ogg': ['ogg', 'oga', 'opus'],
  'audio/wav': ['wav'],
  'audio/webm': ['weba'],
  'application/vnd.apple.mpegurl': ['m3u8'],
  'application/dash+xml': ['mpd'],
  'text/vtt': ['vtt'],
  'image/jpeg': ['jpg', 'jpeg'],
  'image/png': ['png'],
}

/** What everything else is delivered as: bytes that no browser runs. */
export const UNKNOWN_TYPE = 'application/octet-stream'

const BY_ENDING = new Map(
  Object.entries(MEDIA_TYPES).flatMap(([type, endings]) => endings.map(ending => [ending, type] as const)),
)

/**
 * The media type to deliver a stored object with. A stored `text/html` would be a page that runs under our origin, so
 * only what is on the list counts, without parameters.
 */
export function safeMediaType(stored: string | undefined): string {
  const type = stored?.split(';')[0]?.trim().toLowerCase() ?? ''
  return Object.hasOwn(MEDIA_TYPES, type) ? type : UNKNOWN_TYPE
}

/** The media type that a file name tells by its ending. */
export function mediaTypeOf(name: string): string {
  const ending = /\.([A-Za-z0-9]+)$/.exec(name)?.[1] ?? ''
  return BY_ENDING.get(ending.toLowerCase()) ?? UNKNOWN_TYPE
}
