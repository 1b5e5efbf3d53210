import { mediaTypeOf } from '../../deliver/media-type.ts'
import { firstElement, kindOfName, PLAYLIST_TYPE } from '../../playlist/kind.ts'

/** What a file is to those that come after it: a player reads masters first, then playlists, then media. */
export type Kind = 'media' | 'playlist' | 'master'

// RFC 8216 4.3.1.1: the very first line, whatever the file is called; some programs put a mark in front.
const HLS_START = /^\ufeff?#EXTM3U(?=[\r\n\t ]|$)/
// RFC 8216 4.3.4, and plain lists of lists. `EXT-X-MEDIA-SEQUENCE` stands in playlists that name media.
const NAMES_PLAYLISTS = /^(?:#EXT-X-(?:STREAM-INF|I-FRAME-STREAM-INF|MEDIA):|[^#\r\n].*\.m3u8?(?:[?#\s]|$))/im

/**
 * What a file is, by its name and how it begins, and the media type to send it with.
 *
 * @param text how the file begins; of a playlist, all of it
 */
export function lookAt(name: string, text: string): { readonly kind: Kind; readonly contentType: string } {
  const begins = HLS_START.test(text) ? 'hls' : firstElement(text) === 'mpd' ? 'dash' : undefined
  const kind = begins ?? kindOfName(name)
  if (kind === undefined) return { kind: 'media', contentType: mediaTypeOf(name) }
  const contentType = PLAYLIST_TYPE[kind]
  return { kind: kind === 'hls' && NAMES_PLAYLISTS.test(text) ? 'master' : 'playlist', contentType }
}
