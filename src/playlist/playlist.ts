import type { Refused } from '../refusal.ts'
import { rewriteDash } from './dash.ts'
import { rewriteHls } from './hls.ts'
import type { PlaylistKind } from './kind.ts'
import type { PlaylistContext } from './reference.ts'

export type { PlaylistContext } from './reference.ts'

/** Longest playlist that is read, in bytes. The caller holds it: what is longer is refused unread. */
export const MAX_PLAYLIST: number = 8 * 1024 * 1024

/**
 * Rewrites a stored playlist as far as needed: all that it refers to is a part of its own recording, named by a
 * relative URL, which inherits a ticket from the path (RFC 3986 5.2.2). What is well so stays to the byte.
 *
 * A playlist is what somebody stored: it may be written for another host, or to lure a patient's player to one. So
 * nothing is mended by guessing.
 *
 * @param text decoded from UTF-8, at most MAX_PLAYLIST bytes of it; a byte order mark is taken off
 * @returns refused with `playlist_outside` where it refers to anything else, with `playlist_invalid` where it isn't
 * understood to the letter or players might understand it in different ways
 */
export function rewritePlaylist(
  text: string,
  kind: PlaylistKind,
  context: PlaylistContext,
): { readonly text: string } | Refused {
  return kind === 'hls' ? rewriteHls(text, context) : rewriteDash(text, context)
}
