import { locate } from '../locate/locate.ts'
import type { CompiledLocation } from '../locate/location.ts'
import type { ObjectRef } from '../recordings/recording.ts'
import { Refusal } from '../refusal.ts'

/** What the references of a playlist are resolved against. */
export interface PlaylistContext {
  /** The gate's own origin. Absolute URLs of it may name parts of the recording; undefined if no absolute URL may. */
  readonly origin: string | undefined
  /** The playlist's own name within its recording; undefined if the recording is one object, and has no other parts. */
  readonly part: string | undefined
  /** The name that players may infer the kind from: the part's, or the object's key. */
  readonly name: string
  /** Returns the part of this same recording that an absolute path names; undefined if it names anything else. */
  readonly partOf: (path: string) => string | undefined
}

/**
 * Creates the context of a stored playlist.
 *
 * @param origin the gate's own, as configured; undefined if absolute URLs are refused
 */
export function contextOf(
  ref: ObjectRef,
  locations: readonly CompiledLocation[],
  origin: string | undefined,
): PlaylistContext {
  return { origin, part: ref.part, name: ref.part ?? ref.key, partOf }

  function partOf(path: string): string | undefined {
    const found = locate(path, locations)
    if (found instanceof Refusal || ref.part === undefined) return undefined
    // The same recording may be stored at several locations. Relative URLs lead only to the playlist's own.
    const key = `${ref.key.slice(0, -ref.part.length)}${found.ref.part}`
    return found.ref.recording === ref.recording && found.ref.key === key ? found.ref.part : undefined
  }
}
