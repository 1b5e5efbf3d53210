import { deliveryOf } from '../deliver/media-type.ts'
import { locate } from '../locate/locate.ts'
import type { CompiledLocation } from '../locate/location.ts'
import type { Place } from '../recording.ts'
import { isRefused } from '../refusal.ts'
import { hasNoEnding, kindOfName, kindOfType, type PlaylistKind } from './kind.ts'
import type { PlaylistContext } from './reference.ts'

/**
 * Whether an object is a playlist, and of which kind, as far as its media type and its name say: `untold` if neither
 * does, so that a player would go by its first bytes.
 */
export function kindAt(
  { part: name, key }: Place,
  contentType: string | undefined,
): PlaylistKind | 'untold' | undefined {
  // By the same name as its media type, so that nothing is delivered as a playlist unread.
  const kind = kindOfType(contentType) ?? kindOfName(name ?? key)
  if (kind !== undefined) return kind
  const isTold = name === undefined ? deliveryOf(contentType, '').inert : !hasNoEnding(name)
  return isTold ? undefined : 'untold'
}

/**
 * Where a playlist stands, for what it names to be checked.
 *
 * @param origin of the gate's own; undefined if absolute URLs can't be of it
 */
export function contextOf(
  place: Place,
  locations: readonly CompiledLocation[],
  origin: string | undefined,
): PlaylistContext {
  return { origin, part: place.part, name: place.part ?? place.key, partOf }

  /** The part of this recording that a path names, at the location that relative URLs lead to from here. */
  function partOf(path: string): string | undefined {
    const found = locate(path, locations)
    if (isRefused(found) || place.part === undefined || found.place.part === undefined) return undefined
    const key = place.key.slice(0, -place.part.length) + found.place.part
    return found.place.recording === place.recording && found.place.key === key ? found.place.part : undefined
  }
}
