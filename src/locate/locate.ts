import type { ObjectRef } from '../recordings/recording.ts'
import { Refusal } from '../refusal.ts'
import { type CompiledLocation, MAX_LENGTH } from './location.ts'
import { flawOfPart, flawOfRecording } from './names.ts'

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

/**
 * Whether a request's `Host` names a host and no more. Some servers put it into the URL as it was sent, so that a path in
 * it would come before the path that was asked for, and be the one that is looked at.
 */
export function hasPlainHost({ headers }: Request): boolean {
  return !/[^A-Za-z0-9._~:[\]-]/.test(headers.get('host') ?? '')
}

/** Where a path leads. */
export interface Found {
  readonly ref: ObjectRef
  /** Which location of the list matched. */
  readonly location: number
  /** The path that everything of the recording is below. */
  readonly root: string
}

/**
 * Finds out which recording a path names, by parsing alone: nothing is looked up, so that an anonymous caller can
 * neither make us work nor time the answer. What does not match a location to the letter is refused; if a name in it is
 * wrong, the refusal says which character or length.
 *
 * @param path as `rawPath` gives it
 */
export function locate(path: string | undefined, locations: readonly CompiledLocation[]): Found | Refusal {
  if (path === undefined) return new Refusal('path_invalid')
  if (path.length > MAX_LENGTH) {
    return new Refusal(
      'path_invalid',
      `A path has at most ${MAX_LENGTH} characters. This one has ${path.length}`,
    )
  }
  let flaw: string | undefined
  for (const [location, { split, key, root }] of locations.entries()) {
    const names = split(path)
    if (names === undefined) continue
    const { recording, part } = names
    const wrong = flawOfRecording(recording) ?? (part === undefined ? undefined : flawOfPart(part))
    if (wrong === undefined) {
      const ref = { recording, key: key(recording, part) }
      return { ref: part === undefined ? ref : { ...ref, part }, location, root: root(path) }
    }
    flaw ??= wrong
  }
  return new Refusal('path_invalid', flaw)
}
