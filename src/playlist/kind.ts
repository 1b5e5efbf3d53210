import { deliveryOf } from '../http/media-type.ts'
import type { ObjectRef } from '../recordings/recording.ts'

/** The format of a playlist: HLS (RFC 8216), or an MPD of DASH (ISO/IEC 23009-1). */
export type PlaylistKind = 'hls' | 'dash'

/** The media type that a playlist is delivered as, whatever type it was stored with. */
export const PLAYLIST_TYPE: Readonly<Record<PlaylistKind, string>> = {
  hls: 'application/vnd.apple.mpegurl',
  dash: 'application/dash+xml',
}

const KIND_OF_TYPE: ReadonlyMap<string, PlaylistKind> = new Map([
  ['application/vnd.apple.mpegurl', 'hls'],
  ['application/x-mpegurl', 'hls'],
  ['audio/mpegurl', 'hls'],
  ['audio/x-mpegurl', 'hls'],
  ['application/dash+xml', 'dash'],
])

/**
 * Returns the kind that a media type declares.
 *
 * @param contentType as stored, with or without parameters, in any case
 */
export function kindOfType(contentType: string | undefined): PlaylistKind | undefined {
  return KIND_OF_TYPE.get(contentType?.split(';')[0]?.trim().toLowerCase() ?? '')
}

/** Returns the kind that the ending of a name declares, in any case. */
export function kindOfName(name: string): PlaylistKind | undefined {
  if (/\.m3u8?$/i.test(name)) return 'hls'
  return /\.mpd$/i.test(name) ? 'dash' : undefined
}

/** Checks if the last segment of a name has no ending, so that a player goes by the first bytes. */
export function hasNoEnding(name: string): boolean {
  return /^[^.]+$/.test(name.slice(name.lastIndexOf('/') + 1))
}

/**
 * Returns the kind that an object's media type or name declares. Some players go by the type and some by the name, so
 * either is enough.
 *
 * @returns `undeclared` if neither says what the object is, so that a player goes by its first bytes; undefined if it is
 * declared to be something else
 */
export function kindAt(
  { part, key }: ObjectRef,
  contentType: string | undefined,
): PlaylistKind | 'undeclared' | undefined {
  // The name that its media type is derived from, too: nothing is delivered as a playlist without being read.
  const kind = kindOfType(contentType) ?? kindOfName(part ?? key)
  if (kind !== undefined) return kind
  const isDeclared = part === undefined ? deliveryOf(contentType, '').inert : !hasNoEnding(part)
  return isDeclared ? undefined : 'undeclared'
}

/** How many bytes of an object `kindOfStart` needs. */
export const START = 1024

// What may precede the first element of an XML document, comments only up to their start; and the name of that element,
// without its prefix. Matched one by one: a single expression could match a run of comments in exponentially many ways.
const PROLOG = /\s*(?:<\?[^>]*\?>|<!--|<!DOCTYPE[^>[]*>)/iy
const ELEMENT = /\s*<(?:[\w.-]+:)?([\w.-]+)[\s/>]/y

/** Returns the name of the first element of an XML document, in lower case; undefined if another thing comes first. */
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

/**
 * Returns the kind that the first bytes of an object show.
 *
 * @param bytes the first `START` bytes. XML whose first element comes later than that counts as an MPD
 */
export function kindOfStart(bytes: Uint8Array): PlaylistKind | undefined {
  const start = new TextDecoder().decode(bytes)
  if (/^\s*(?:#EXTM3U|$)/i.test(start)) return 'hls'
  if (!/^\s*</.test(start)) return undefined
  return (firstElement(start) ?? 'mpd') === 'mpd' ? 'dash' : undefined
}
