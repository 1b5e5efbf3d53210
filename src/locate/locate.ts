import type { ObjectRef } from '../recordings/recording.ts'
import { Refusal } from '../refusal.ts'
import { type CompiledLocation, MAX_LENGTH, refAt } from './location.ts'
import { flawOfPart, flawOfRecording } from './names.ts'

/**
 * Returns the path exactly as the runtime received it, without decoding and without resolving dot segments. `new URL`
 * would do both, and the path that was checked could then differ from the one that was requested.
 *
 * @returns undefined if the URL has no path (`http://host?/recordings/x`)
 */
export function rawPath(url: string): string | undefined {
  const authority = url.indexOf('://') + 3
  const end = url.slice(authority).search(/[/?#]/)
  if (end < 0 || url[authority + end] !== '/') return undefined
  const path = url.slice(authority + end)
  const stop = path.search(/[?#]/)
  return stop < 0 ? path : path.slice(0, stop)
}

/**
 * Returns whether a request's `Host` header names a host and nothing more. Some servers copy it into the URL as it was
 * sent. A path in it would then come before the requested path and be checked in its place.
 */
export function hasPlainHost({ headers }: Request): boolean {
  return !/[^A-Za-z0-9._~:[\]-]/.test(headers.get('host') ?? '')
}

/** The object that a path names. */
export interface Found {
  readonly ref: ObjectRef
  /** The index of the location that matched. */
  readonly location: number
  /** The path that all objects of the recording are below. */
  readonly root: string
}

/**
 * Finds the recording that a path names, by parsing alone. Nothing is looked up, so an anonymous caller can neither cause
 * work nor learn anything from the time of the answer. Refuses a path that matches no location to the letter. If a name
 * in the path is invalid, the refusal says which character or length is wrong.
 *
 * @param path as `rawPath` returns it
 */
export function locate(path: string | undefined, locations: readonly CompiledLocation[]): Found | Refusal {
  if (path === undefined) return new Refusal('path_invalid')
  if (path.length > MAX_LENGTH) {
    return new Refusal(
      'path_invalid',
      `A path has at most ${MAX_LENGTH} characters. This one has ${path.length}`,
    )
  }
  let firstFlaw: string | undefined
  for (const [index, location] of locations.entries()) {
    const names = location.split(path)
    if (names === undefined) continue
    const { recording, part } = names
    const flaw = flawOfRecording(recording) ?? (part === undefined ? undefined : flawOfPart(part))
    if (flaw === undefined) {
      return { ref: refAt(location, recording, part), location: index, root: location.root(path) }
    }
    firstFlaw ??= flaw
  }
  return new Refusal('path_invalid', firstFlaw)
}
