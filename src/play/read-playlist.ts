import type { ByteRange } from '../deliver/byte-range.ts'
import { deliveryOf } from '../deliver/media-type.ts'
import type { OpenedPart, RecordingStore, StoredPart } from '../deliver/recording-store.ts'
import { locate } from '../locate/locate.ts'
import type { CompiledLocation } from '../locate/location.ts'
import {
  hasNoEnding,
  kindOfName,
  kindOfStart,
  kindOfType,
  PLAYLIST_TYPE,
  type PlaylistKind,
  START,
} from '../playlist/kind.ts'
import { MAX_PLAYLIST, rewritePlaylist } from '../playlist/playlist.ts'
import type { Place } from '../recording.ts'
import { isRefused, type Refused, refused } from '../refusal.ts'

/** A playlist as it is sent. */
export interface ReadPlaylist {
  /** Its facts: size and entity tag are those of what is sent. */
  readonly part: StoredPart
  /** Some of its bytes. */
  readonly open: (range: ByteRange) => OpenedPart
}

/** Changes with what rewriting does, so that no cache holds one text under the tag of another. */
const REWRITTEN = '-m1"'

/**
 * Whether a stored object is a playlist, and of which kind, as far as its media type and its name tell: `untold` where
 * neither does, so that a player would go by its first bytes.
 */
export function kindOf(part: StoredPart, { part: name, key }: Place): PlaylistKind | 'untold' | undefined {
  if (part.size === 0) return undefined
  // By the same name as its media type, so that nothing is delivered as a playlist unread.
  const kind = kindOfType(part.contentType) ?? kindOfName(name ?? key)
  if (kind !== undefined) return kind
  const isTold = name === undefined ? deliveryOf(part.contentType, '').inert : !hasNoEnding(name)
  return isTold ? undefined : 'untold'
}

/**
 * The same by its first bytes.
 *
 * @throws Error where it is another object by now, which was not decided on
 */
export async function kindByBytes(
  { etag }: StoredPart,
  { key }: Place,
  store: RecordingStore,
): Promise<PlaylistKind | undefined> {
  const start = await store.open(key, { offset: 0, length: START })
  if (start === null || !('body' in start)) throw new Error('taken away while it was looked at')
  const bytes = new Uint8Array(await new Response(start.body).arrayBuffer())
  if (start.etag !== etag) throw new Error('replaced while it was looked at')
  return kindOfStart(bytes)
}

/** Whether a place's name alone says that a playlist is there. */
export function isNamedPlaylist({ part }: Place): boolean {
  return part !== undefined && kindOfName(part) !== undefined
}

/**
 * Reads a playlist to its end and rewrites it, so that all that it names is a part of its own recording.
 *
 * @param opened all of it
 * @param origin that absolute URLs in it may begin with, as the configuration says
 */
export async function readPlaylist(
  opened: OpenedPart,
  kind: PlaylistKind,
  place: Place,
  locations: readonly CompiledLocation[],
  origin: string | undefined,
): Promise<ReadPlaylist | Refused> {
  const { body, range: _, taken: __, ...part } = opened
  if (part.size > MAX_PLAYLIST) {
    await body.cancel().catch(() => {})
    return refused('playlist_invalid')
  }
  const stored = new Uint8Array(await new Response(body).arrayBuffer())
  const text = decoded(stored)
  if (text === undefined) return refused('playlist_invalid')
  const outcome = rewritePlaylist(text, kind, { origin, part: place.part, partOf })
  if (isRefused(outcome)) return outcome
  const contentType = PLAYLIST_TYPE[kind]
  if (outcome.text === text) return sending({ ...part, contentType }, new Blob([stored]))
  const rewritten = new Blob([outcome.text])
  const etag = part.etag.replace(/"$/, REWRITTEN)
  return sending({ ...part, contentType, size: rewritten.size, etag }, rewritten)

  /** The part of this recording that a path names, at the location that relative URLs lead to from here. */
  function partOf(path: string): string | undefined {
    const found = locate(path, locations)
    if (isRefused(found) || place.part === undefined || found.place.part === undefined) return undefined
    const key = place.key.slice(0, -place.part.length) + found.place.part
    return found.place.recording === place.recording && found.place.key === key ? found.place.part : undefined
  }
}

function sending(part: StoredPart, text: Blob): ReadPlaylist {
  const body = ({ offset, length }: ByteRange) => text.slice(offset, offset + length).stream()
  return { part, open: range => ({ ...part, range, body: body(range) }) }
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}
