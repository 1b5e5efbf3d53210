/** What a playlist is written in: RFC 8216, or ISO/IEC 23009-1. */
export type PlaylistKind = 'hls' | 'dash'

const KIND_OF_TYPE: ReadonlyMap<string, PlaylistKind> = new Map([
  ['application/vnd.apple.mpegurl', 'hls'],
  ['application/x-mpegurl', 'hls'],
  ['audio/mpegurl', 'hls'],
  ['audio/x-mpegurl', 'hls'],
  ['application/dash+xml', 'dash'],
])

/**
 * The kind that a media type tells. There are players that go by it and players that go by the name, so either is enough.
 *
 * @param contentType as stored, with or without parameters, in any case
 */
export function kindOfType(contentType: string | undefined): PlaylistKind | undefined {
  return KIND_OF_TYPE.get(contentType?.split(';')[0]?.trim().toLowerCase() ?? '')
}

/** The kind that the ending of a name tells, in any case. */
export function kindOfName(name: string): PlaylistKind | undefined {
  if (/\.m3u8?$/i.test(name)) return 'hls'
  return /\.mpd$/i.test(name) ? 'dash' : undefined
}

/** What a playlist is delivered as, however it was stored. */
export const PLAYLIST_TYPE: Readonly<Record<PlaylistKind, string>> = {
  hls: 'application/vnd.apple.mpegurl',
  dash: 'application/dash+xml',
}

/** Whether the last segment of a name has no ending, so that only its bytes tell what it is. */
export function hasNoEnding(name: string): boolean {
  return /^[^.]+$/.test(name.slice(name.lastIndexOf('/') + 1))
}

/** How many bytes of an object `kindOfStart` needs. */
export const START = 1024

// What may stand before the first element of an XML, and that element's name, without its prefix. Each comment ends in
// one way only: with a lazy `[\s\S]*?-->`, thirty of them in a row would be read in 2^30 ways and stop the isolate.
const FIRST_ELEMENT =
  /^\s*(?:(?:<\?[^>]*\?>|<!--(?:[^-]|-(?!->))*-->|<!DOCTYPE[^>[]*>)\s*)*<(?:[\w.-]+:)?([\w.-]+)[\s/>]/i

/** What an object begins as. An XML whose first element is further off counts as an MPD. */
export function kindOfStart(bytes: Uint8Array): PlaylistKind | undefined {
  const start = new TextDecoder().decode(bytes)
  if (/^\s*(?:#EXTM3U|$)/i.test(start)) return 'hls'
  if (!/^\s*</.test(start)) return undefined
  const [, element = 'mpd'] = FIRST_ELEMENT.exec(start) ?? []
  return element.toLowerCase() === 'mpd' ? 'dash' : undefined
}
