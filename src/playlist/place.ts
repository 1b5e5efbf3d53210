import { deliveryOf } from '../http/media-type.ts'
import { locate } from '../locate/locate.ts'
import type { CompiledLocation } from '../locate/location.ts'
import type { ObjectRef } from '../recordings/recording.ts'
import { Refusal } from '../refusal.ts'
import { hasNoEnding, kindOfName, kindOfType, type PlaylistKind } from './kind.ts'
import type { PlaylistContext } from './reference.ts'

/**
 * Whether an object is a playlist, and of which kind, as far as its media type and its name say: `untold` if neither
 * does, so that a player would go by its first bytes.
 */
export function kindAt(
  { part: name, key }: ObjectRef,
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
  ref: ObjectRef,
  locations: readonly CompiledLocation[],
  origin: string | undefined,
): PlaylistContext {
  return { origin, part: ref.part, name: ref.part ?? ref.key, partOf }

  /** The part of this recording that a path names, at the location that relative URLs lead to from here. */
  function partOf(path: string): string | undefined {
    const found = locate(path, locations)
    if (found instanceof Refusal || ref.part === undefined || found.ref.part === undefined) return undefined
    const key = ref.key.slice(0, -ref.part.length) + found.ref.part
    return found.ref.recording === ref.recording && found.ref.key === key ? found.ref.part : undefined
  }
}
