import { LruCache } from '../base/lru-cache.ts'
import type { ByteRange } from '../http/byte-range.ts'
import type { CompiledLocation } from '../locate/location.ts'
import { kindOfName, kindOfStart, PLAYLIST_TYPE, type PlaylistKind, START } from '../playlist/kind.ts'
import { contextOf } from '../playlist/place.ts'
import { MAX_PLAYLIST, rewriteBytes } from '../playlist/playlist.ts'
import type { ObjectRef } from '../recordings/recording.ts'
import type { OpenedPart, RecordingStore, StoredPart } from '../recordings/recording-store.ts'
import { Refusal } from '../refusal.ts'

/** A playlist as it is sent. */
export interface ReadPlaylist {
  /** Its facts: size and entity tag are those of what is sent. */
  readonly part: StoredPart
  /** Some of its bytes. */
  readonly open: (range: ByteRange) => OpenedPart
}

/** What became of playlists: rewriting one of the longest takes long enough that a loop of requests would be felt. */
export type Verdicts = LruCache<Verdict>

/** What is to be sent; `stored` if that is what is stored. */
type Verdict = { readonly bytes: Uint8Array<ArrayBuffer>; readonly isStored: boolean } | Refusal

/** Changes with what rewriting does, so that no cache holds one text under the tag of another. */
const REWRITTEN = '-m1"'
/** Most bytes that the verdicts of an isolate take. */
const MOST_REMEMBERED = 16 * 1024 * 1024
/** What a verdict takes beside its bytes and its key, at most: a guess. */
const OVERHEAD = 512

/** Makes the memory of an isolate. */
export function createVerdicts(): Verdicts {
  return new LruCache(
    MOST_REMEMBERED,
    (verdict, key) => OVERHEAD + 2 * key.length + ('bytes' in verdict ? verdict.bytes.length : 0),
  )
}

/**
 * The kind of a stored object by its first bytes.
 *
 * @throws Error if it is another object by now, which was not decided on
 */
export async function kindByBytes(
  { etag }: StoredPart,
  { key }: ObjectRef,
  store: RecordingStore,
): Promise<PlaylistKind | undefined> {
  const start = await store.open(key, { offset: 0, length: START })
  if (start === null || !('body' in start)) throw new Error('taken away while it was looked at')
  if (start.range.length > START) {
    // A store that ignores ranges sends the whole, which may be gigabytes.
    await start.body.cancel().catch(() => {})
    throw new Error('the store sent more bytes than were asked for')
  }
  const bytes = new Uint8Array(await new Response(start.body).arrayBuffer())
  if (start.etag !== etag) throw new Error('replaced while it was looked at')
  return kindOfStart(bytes)
}

/** Whether a place's name alone says that a playlist is there. */
export function isNamedPlaylist({ part }: ObjectRef): boolean {
  return part !== undefined && kindOfName(part) !== undefined
}

/**
 * Reads a playlist to its end and rewrites it, so that all that it names is a part of its own recording. Each request is
 * decided before it comes here, whether its verdict is remembered or not.
 *
 * @param opened all of it
 * @param origin that absolute URLs in it may begin with, as the configuration says
 */
export async function readPlaylist(
  opened: OpenedPart,
  kind: PlaylistKind,
  ref: ObjectRef,
  locations: readonly CompiledLocation[],
  origin: string | undefined,
  verdicts: Verdicts,
): Promise<ReadPlaylist | Refusal> {
  const { body, range: _, taken: __, ...part } = opened
  if (part.size > MAX_PLAYLIST[kind]) {
    await body.cancel().catch(() => {})
    return new Refusal('playlist_invalid')
  }
  // Not by the entity tag alone: what the same bytes name depends on where they are.
  const key = JSON.stringify([kind, origin, ref.recording, ref.part, ref.key, part.etag])
  let verdict = verdicts.get(key)
  if (verdict === undefined) {
    const stored = new Uint8Array(await new Response(body).arrayBuffer())
    // Of many that ask at once, one has rewritten it meanwhile. Shared as what became of it, not as a promise: on Workers
    // that would end with the request that made it.
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
  return sending({ ...part, contentType: PLAYLIST_TYPE[kind], size: bytes.length, etag }, bytes)
}

function sending(part: StoredPart, bytes: Uint8Array<ArrayBuffer>): ReadPlaylist {
  const body = ({ offset, length }: ByteRange) => new Blob([bytes.subarray(offset, offset + length)]).stream()
  return { part, open: range => ({ ...part, range, body: body(range) }) }
}
