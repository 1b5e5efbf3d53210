import type { Place } from '../recording.ts'
import { type Refused, refused } from '../refusal.ts'
import type { CompiledLocation } from './location.ts'

/** No path that we serve is longer; a longer one is not even matched. */
const MAX_PATH = 1024

/**
 * The path exactly as the runtime received it: no decoding, no resolving of dot segments. `new URL` would do both,
 * and then the path that was checked and the one that was asked for could differ between runtimes.
 *
 * @returns undefined where the URL has no path of its own (`http://host?/recordings/x`)
 */
export function rawPath(url: string): string | undefined {
  const authority = url.indexOf('://') + 3
  const end = url.slice(authority).search(/[/?#]/)
  if (end < 0 || url[authority + end] !== '/') return undefined
  const path = url.slice(authority + end)
  const stop = path.search(/[?#]/)
  return stop < 0 ? path : path.slice(0, stop)
}

/** Where a path leads. */
export interface Found {
  readonly place: Place
  /** Which location of the list matched. */
  readonly location: number
  /** The path that everything of the recording is below. */
  readonly root: string
}

/**
 * Finds out which recording a path names, by parsing alone: nothing is looked up, so that an anonymous caller can
 * neither make us work nor time the answer. What does not match a location to the letter is refused.
 *
 * @param path as `rawPath` gives it
 */
export function locate(path: string | undefined, locations: readonly CompiledLocation[]): Found | Refused {
  if (path === undefined || path.length > MAX_PATH) return refused('path_invalid')
  for (const [location, { pattern, key, root }] of locations.entries()) {
    const match = pattern.exec(path)
    const recording = match?.[1]
    if (recording === undefined) continue
    const part = match?.[2]
    const place = { recording, key: key(recording, part) }
    return { place: part === undefined ? place : { ...place, part }, location, root: root(path) }
  }
  return refused('path_invalid')
}
