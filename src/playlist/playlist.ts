import { type PlaylistPosition, Refusal } from '../refusal.ts'
import type { PlaylistContext } from './context.ts'
import { rewriteDash } from './dash.ts'
import { rewriteHls } from './hls.ts'
import { kindOfName, type PlaylistKind } from './kind.ts'
import { refuseAt } from './refuse.ts'

/**
 * The longest playlist that is read, in bytes: enough for a recording of eight hours. The caller holds all of it in memory,
 * and refuses a longer one unread.
 */
export const MAX_PLAYLIST: Readonly<Record<PlaylistKind, number>> = {
  hls: 2 * 1024 * 1024,
  dash: 1024 * 1024,
}

/**
 * Rewrites a stored playlist, so that everything it refers to is a part of its own recording, named by a relative URL. A
 * relative URL inherits a ticket from the path (RFC 3986 5.2.2). What needs no change stays, byte for byte.
 *
 * A stored playlist may have been written for another host, or to lure a patient's player to one. So nothing in it is fixed
 * by guessing.
 *
 * @param text decoded from UTF-8. A byte order mark is removed
 * @param kind as declared by the media type or the name, or as its first bytes show
 * @returns a refusal with `playlist_outside` if it refers to anything else, and with `playlist_invalid` if it isn't
 * understood, or if players might read it in different ways
 */
export function rewritePlaylist(
  text: string,
  kind: PlaylistKind,
  context: PlaylistContext,
): string | Refusal {
  // Some players go by the name, and would read it as the other kind.
  if ((kindOfName(context.name) ?? kind) !== kind)
    return refuseAt(new Refusal('playlist_invalid'), { line: 1 })
  // RFC 8216 4.1 allows no byte order mark. Some files have one, and some players stop at it.
  const source = text.startsWith('\ufeff') ? text.slice(1) : text
  return kind === 'hls' ? rewriteHls(source, context) : rewriteDash(source, context)
}

/**
 * Rewrites the bytes of a stored playlist, as `rewritePlaylist` does.
 *
 * @param bytes at most `MAX_PLAYLIST` of them
 * @returns the bytes to send: `bytes` itself if nothing had to change
 */
export function rewriteBytes(
  bytes: Uint8Array<ArrayBuffer>,
  kind: PlaylistKind,
  context: PlaylistContext,
): Uint8Array<ArrayBuffer> | Refusal {
  const text = decodeUtf8(bytes)
  if (text instanceof Refusal) return text
  const rewritten = rewritePlaylist(text, kind, context)
  if (rewritten instanceof Refusal) return rewritten
  return rewritten === text ? bytes : new Uint8Array(new TextEncoder().encode(rewritten))
}

function decodeUtf8(bytes: Uint8Array): string | Refusal {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return new Refusal('playlist_invalid')
  }
}

/** Explains to the recorder why a playlist is refused, and at which position. Repeats nothing of its content. */
export function whatIsWrong({ reason, position }: Refusal): string {
  const why =
    reason === 'playlist_outside'
      ? 'leads out of the recording: name parts of it by relative URLs'
      : 'is refused, as players might read it in different ways: docs/playlists.md says what is served'
  return `The playlist${describePosition(position)} ${why}`
}

function describePosition(position: PlaylistPosition | undefined): string {
  if (position === undefined) return ', which must be UTF-8,'
  const { line, tag, attribute } = position
  return `, in line ${line}${[tag, attribute].map(name => (name === undefined ? '' : `, ${name}`)).join('')},`
}

const LABELS: Readonly<Record<PlaylistKind, string>> = { hls: 'HLS', dash: 'DASH' }

/** Explains to the recorder that a playlist is too long to be read. */
export function tooLong(kind: PlaylistKind): string {
  return `A playlist of ${LABELS[kind]} must be at most ${MAX_PLAYLIST[kind]} bytes long`
}
