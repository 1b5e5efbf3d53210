import { LruCache } from '../base/lru-cache.ts'
import type { ByteRange } from '../http/byte-range.ts'
import type { CompiledLocation } from '../locate/location.ts'
import { contextOf } from '../playlist/context.ts'
import { kindOfName, kindOfStart, PLAYLIST_TYPE, type PlaylistKind, START } from '../playlist/kind.ts'
import { MAX_PLAYLIST, rewriteBytes } from '../playlist/playlist.ts'
import type { ObjectRef } from '../recordings/recording.ts'
import type { OpenedPart, RecordingStore, StoredPart } from '../recordings/recording-store.ts'
import { Refusal } from '../refusal.ts'

/** A playlist as the client gets it. */
export interface ReadPlaylist {
  /** Size and entity tag are those of the rewritten bytes. */
  readonly part: StoredPart
  /** Opens a range of the rewritten bytes. */
  readonly open: (range: ByteRange) => OpenedPart
}

/** Remembers rewritten and refused playlists. Rewriting a long one again and again would slow down all other requests. */
export type Verdicts = LruCache<Verdict>

/** The bytes to send, and whether they are the stored ones; or why the playlist is refused. */
type Verdict = { readonly bytes: Uint8Array<ArrayBuffer>; readonly isStored: boolean } | Refusal

/** Must change whenever rewriting does, so that no cache keeps other bytes under the same entity tag. */
const REWRITTEN = '-m1"'
/** The most memory that the verdicts of an isolate take, in bytes. */
const MAX_REMEMBERED = 16 * 1024 * 1024
/** An estimate of the memory that a verdict takes beside its bytes and its key, in bytes. */
const OVERHEAD = 512

/** Creates the memory for the verdicts of an isolate. */
export function createVerdicts(): Verdicts {
  return new LruCache(
    MAX_REMEMBERED,
    (verdict, key) => OVERHEAD + 2 * key.length + (verdict instanceof Refusal ? 0 : verdict.bytes.length),
  )
}

/**
 * Returns the kind that the first bytes of a stored object show.
 *
 * @throws Error if the object was replaced or removed since access to it was authorized
 */
export async function kindByBytes(
  { etag }: StoredPart,
  { key }: ObjectRef,
  store: RecordingStore,
): Promise<PlaylistKind | undefined> {
  const start = await store.open(key, { offset: 0, length: START })
  if (start === null) throw new Error('the object was removed while it was read')
  if (start.range.length > START) {
    // A store that ignores ranges sends the whole object, which may be gigabytes.
    await start.body.cancel().catch(() => {})
    throw new Error('the store sent more bytes than requested')
  }
  const bytes = new Uint8Array(await new Response(start.body).arrayBuffer())
  if (start.etag !== etag) throw new Error('the object was replaced while it was read')
  return kindOfStart(bytes)
}

/** What reading a playlist takes beside the playlist. */
export interface PlaylistServices {
  readonly locations: readonly CompiledLocation[]
  /** The origin that absolute URLs in playlists may begin with; undefined if none may be there. */
  readonly publicUrl: string | undefined
  readonly verdicts: Verdicts
}

/** Checks if the name of a part alone declares a playlist. */
export function isNamedPlaylist({ part }: ObjectRef): boolean {
  return part !== undefined && kindOfName(part) !== undefined
}

/**
 * Reads a whole playlist and rewrites it, so that everything it names is a part of its own recording. The caller has
 * authorized the request, even if the verdict is remembered from another one.
 *
 * @param opened the whole playlist. Its body is read or cancelled
 */
export async function readPlaylist(
  opened: OpenedPart,
  kind: PlaylistKind,
  ref: ObjectRef,
  { locations, publicUrl: origin, verdicts }: PlaylistServices,
): Promise<ReadPlaylist | Refusal> {
  const { body, range: _, taken: __, ...part } = opened
  if (part.size > MAX_PLAYLIST[kind]) {
    await body.cancel().catch(() => {})
    return new Refusal('playlist_invalid')
  }
  // The entity tag is not enough: what the same bytes name depends on the recording, the part and the location.
  const key = JSON.stringify([kind, origin, ref.recording, ref.part, ref.key, part.etag])
  let verdict = verdicts.get(key)
  if (verdict === undefined) {
    const stored = new Uint8Array(await new Response(body).arrayBuffer())
    // Of many concurrent requests, another may have rewritten it in the meantime. They share the result and not a promise,
    // because on Workers a promise ends with the request that created it.
    verdict = verdicts.get(key)
    if (verdict === undefined) {
      const bytes = rewriteBytes(stored, kind, contextOf(ref, locations, origin))
      verdict = bytes instanceof Refusal ? bytes : { bytes, isStored: bytes === stored }
      verdicts.set(key, verdict)
    }
  } else await body.cancel().catch(() => {})
  if (verdict instanceof Refusal) return verdict
  const { bytes, isStored } = verdict
  const etag = isStored ? part.etag : part.etag.replace(/"$/, REWRITTEN)
  return playlistOf({ ...part, contentType: PLAYLIST_TYPE[kind], size: bytes.length, etag }, bytes)
}

function playlistOf(part: StoredPart, bytes: Uint8Array<ArrayBuffer>): ReadPlaylist {
  const body = ({ offset, length }: ByteRange) => new Blob([bytes.subarray(offset, offset + length)]).stream()
  return { part, open: range => ({ ...part, range, body: body(range) }) }
}
