import { mediaTypeOf } from '../../http/media-type.ts'
import { isPart } from '../../locate/names.ts'
import { firstElement, kindOfName, kindOfType, PLAYLIST_TYPE } from '../../playlist/kind.ts'
import { MAX_PLAYLIST, rewriteBytes, tooLong, whatIsWrong } from '../../playlist/playlist.ts'
import { Refusal } from '../../refusal.ts'

/** The role of a file in a recording. A player reads a master first, then playlists, then media. */
export type SourceKind = 'media' | 'playlist' | 'master'

// RFC 8216 4.3.1.1: this is the very first line, whatever the name of the file. Some programs write a byte order mark first.
const HLS_START = /^\ufeff?#EXTM3U(?=[\r\n\t ]|$)/
// RFC 8216 4.3.4, and plain lists of playlists. `EXT-X-MEDIA-SEQUENCE` does not count: it occurs in playlists of media.
const NAMES_PLAYLISTS = /^(?:#EXT-X-(?:STREAM-INF|I-FRAME-STREAM-INF|MEDIA):|[^#\r\n].*\.m3u8?(?:[?#\s]|$))/im

/** The role of a file, and the media type to send it with. */
export interface SourceType {
  readonly kind: SourceKind
  readonly contentType: string
}

/**
 * Classifies a file by its name and its beginning.
 *
 * @param start the beginning of the file; the whole file if it is a playlist
 */
export function classify(name: string, start: string): SourceType {
  const format = HLS_START.test(start) ? 'hls' : firstElement(start) === 'mpd' ? 'dash' : undefined
  const playlist = format ?? kindOfName(name)
  if (playlist === undefined) return { kind: 'media', contentType: mediaTypeOf(name) }
  const contentType = PLAYLIST_TYPE[playlist]
  return { kind: playlist === 'hls' && NAMES_PLAYLISTS.test(start) ? 'master' : 'playlist', contentType }
}

/** How many bytes of a playlist are read: one more than the longest that the gate takes. */
export const PLAYLIST_READ_SIZE: number = Math.max(...Object.values(MAX_PLAYLIST)) + 1

/** A playlist, before it is sent. */
export interface PlaylistFile {
  /** The whole file, or its first {@link PLAYLIST_READ_SIZE} bytes. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly contentType: string
  /** The part that it becomes; undefined if it is the whole recording. */
  readonly part: string | undefined
  /** Address of the recording. */
  readonly url: URL
}

/**
 * Checks a playlist as the gate will, so that a mistake is found before anything is sent.
 *
 * @returns what is wrong; undefined if the gate would take it, or if it is not a playlist
 */
export function playlistProblem({ bytes, contentType, part, url }: PlaylistFile): string | undefined {
  const kind = kindOfType(contentType)
  if (kind === undefined || bytes.length === 0) return undefined
  if (bytes.length > MAX_PLAYLIST[kind]) return tooLong(kind)
  const root = `${url.pathname}/`
  const partOf = (path: string) =>
    path.startsWith(root) && isPart(path.slice(root.length)) ? path.slice(root.length) : undefined
  // Players may reach the gate at another origin than this command does, and only the gate knows which one that is.
  const playlist = new TextDecoder().decode(bytes)
  const [, origin = url.origin] = playlist.split(root, 1)[0]?.match(/(https?:\/\/[^/"'<>\s]{1,255})$/) ?? []
  const outcome = rewriteBytes(bytes, kind, { origin, part, name: part ?? url.pathname, partOf })
  return outcome instanceof Refusal ? whatIsWrong(outcome) : undefined
}
