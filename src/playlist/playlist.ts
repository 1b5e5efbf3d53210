import { Refusal } from '../refusal.ts'
import { rewriteDash } from './dash.ts'
import { rewriteHls } from './hls.ts'
import { kindOfName, type PlaylistKind } from './kind.ts'
import type { PlaylistContext } from './reference.ts'
import { spotted } from './spot.ts'

export type { PlaylistContext } from './reference.ts'

/**
 * Longest playlist that is read, in bytes: a recording of eight hours fits. The caller holds it, and what is longer is
 * refused unread.
 */
export const MAX_PLAYLIST: Readonly<Record<PlaylistKind, number>> = {
  hls: 2 * 1024 * 1024,
  dash: 1024 * 1024,
}

/**
 * Rewrites a stored playlist as far as needed: all that it refers to is a part of its own recording, named by a
 * relative URL, which inherits a ticket from the path (RFC 3986 5.2.2). What is well so stays to the byte.
 *
 * A playlist is what somebody stored: it may be written for another host, or to lure a patient's player to one. So
 * nothing is mended by guessing.
 *
 * @param text decoded from UTF-8; a byte order mark is taken off
 * @param kind as its media type tells, or its name, or its bytes
 * @returns refused with `playlist_outside` if it refers to anything else, with `playlist_invalid` if it isn't understood
 * or players might understand it in different ways
 */
export function rewritePlaylist(
  text: string,
  kind: PlaylistKind,
  context: PlaylistContext,
): { readonly text: string } | Refusal {
  // By its name it is of the other kind, and there are players that go by that.
  if ((kindOfName(context.name) ?? kind) !== kind) return spotted(new Refusal('playlist_invalid'), 1)
  return kind === 'hls' ? rewriteHls(text, context) : rewriteDash(text, context)
}

/**
 * The same for the bytes of a playlist.
 *
 * @param bytes at most MAX_PLAYLIST of them
 * @returns also the bytes to send: those that were given, if nothing had to change
 */
export function rewriteBytes(
  bytes: Uint8Array<ArrayBuffer>,
  kind: PlaylistKind,
  context: PlaylistContext,
): Uint8Array<ArrayBuffer> | Refusal {
  const text = decoded(bytes)
  if (text === undefined) return new Refusal('playlist_invalid')
  const outcome = rewritePlaylist(text, kind, context)
  if (outcome instanceof Refusal) return outcome
  return outcome.text === text ? bytes : new Uint8Array(new TextEncoder().encode(outcome.text))
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
