import { mediaTypeOf } from '../../http/media-type.ts'
import { isPart } from '../../locate/names.ts'
import { firstElement, kindOfName, kindOfType, PLAYLIST_TYPE } from '../../playlist/kind.ts'
import { MAX_PLAYLIST, rewriteBytes, tooLong, whatIsWrong } from '../../playlist/playlist.ts'
import { Refusal } from '../../refusal.ts'

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

/** How much of a file is read, if it is a playlist: one byte more than any may have. */
export const MOST: number = Math.max(...Object.values(MAX_PLAYLIST)) + 1

/**
 * What the gate would say against a playlist, before anything is sent.
 *
 * @param bytes all of it, or the first MOST
 * @param url of the recording
 * @returns undefined if nothing, or if it is no playlist
 */
export function problemOf(
  bytes: Uint8Array<ArrayBuffer>,
  contentType: string,
  part: string | undefined,
  url: URL,
): string | undefined {
  const kind = kindOfType(contentType)
  if (kind === undefined || bytes.length === 0) return undefined
  if (bytes.length > MAX_PLAYLIST[kind]) return tooLong(kind)
  const root = `${url.pathname}/`
  const partOf = (path: string) =>
    path.startsWith(root) && isPart(path.slice(root.length)) ? path.slice(root.length) : undefined
  // Players may reach the gate at another origin than this command does. Which one that is the gate knows.
  const text = new TextDecoder().decode(bytes)
  const [, origin = url.origin] = text.split(root, 1)[0]?.match(/(https?:\/\/[^/"'<>\s]{1,255})$/) ?? []
  const outcome = rewriteBytes(bytes, kind, { origin, part, name: part ?? url.pathname, partOf })
  return outcome instanceof Refusal ? whatIsWrong(outcome) : undefined
}
