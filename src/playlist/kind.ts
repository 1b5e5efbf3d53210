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

// What may stand before the first element of an XML, a comment up to where it begins; and that element's name, without
// its prefix. Read one by one: as one expression, a run of comments can be read in exponentially many ways.
const PROLOG = /\s*(?:<\?[^>]*\?>|<!--|<!DOCTYPE[^>[]*>)/iy
const ELEMENT = /\s*<(?:[\w.-]+:)?([\w.-]+)[\s/>]/y

/** The name of the first element of an XML, in lower case; undefined if none begins where it could. */
export function firstElement(xml: string): string | undefined {
  let at = 0
  for (;;) {
    PROLOG.lastIndex = at
    const [prolog] = PROLOG.exec(xml) ?? []
    if (prolog === undefined) break
    at += prolog.length
    if (!prolog.endsWith('<!--')) continue
    const end = xml.indexOf('-->', at)
    if (end < 0) return undefined
    at = end + '-->'.length
  }
  ELEMENT.lastIndex = at
  return ELEMENT.exec(xml)?.[1]?.toLowerCase()
}

/** What an object begins as. An XML whose first element is further off counts as an MPD. */
export function kindOfStart(bytes: Uint8Array): PlaylistKind | undefined {
  const start = new TextDecoder().decode(bytes)
  if (/^\s*(?:#EXTM3U|$)/i.test(start)) return 'hls'
  if (!/^\s*</.test(start)) return undefined
  return (firstElement(start) ?? 'mpd') === 'mpd' ? 'dash' : undefined
}
