import { isPart } from '../locate/names.ts'
import { Refusal } from '../refusal.ts'
import type { PlaylistContext } from './context.ts'
import {
  type Folders,
  folderOf,
  foldersAt,
  parseRelativePath,
  relativePath,
  staysInside,
  withoutScheme,
} from './folders.ts'

/** Longest reference that is parsed, in characters. No path that the gate serves is nearly as long. */
export const MAX_REFERENCE: number = 2048

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/
// Nothing is ever decoded. `%`, `\`, `;`, white space, `{$name}`, a fragment and letters beyond ASCII mean different
// things to different players, so a reference with any of them is refused. A plain query leads nowhere else, and stays.
const PLAIN = /^([A-Za-z0-9._~=+:@/-]+)(\?[A-Za-z0-9._=&-]*)?$/
// The gate refuses a request with a token in its query, and everyone who may watch could read one in a stored file.
const TOKEN_IN_QUERY = /[?&]access_token(?:[=&]|$)/i
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?:\/|$)/

/**
 * Returns the relative reference to write, which leads to a part of the same recording: the reference itself if it does
 * so already, and the path to the part if the reference is an absolute path or an absolute URL of the gate's own origin.
 *
 * @param within the folders that a player may resolve it against; undefined if the recording has no other parts
 * @param template the template as written, if the reference is an example of what the template becomes
 * @returns a refusal with `playlist_outside` if it leads out, even if it then leads in again: what is above the recording
 * differs between locations, and above a ticket there is nothing
 */
export function relativeReference(
  reference: string,
  within: Folders | undefined,
  context: PlaylistContext,
  template: string = reference,
): string | Refusal {
  if (within === undefined) return new Refusal('playlist_outside')
  // Nearly every reference of a real playlist.
  const isName = !reference.startsWith('/') && !reference.includes(':')
  if (isName && isPart('x/'.repeat(within.maxDepth) + reference)) return template
  const parsed = parseReference(reference, context)
  if (parsed instanceof Refusal) return parsed
  const { path } = parsed
  if (!path.startsWith('/')) {
    const relative = parseRelativePath(path)
    if (!relative.isFolder && staysInside(relative, within)) return withoutScheme(template)
    // A name that no part can have leads to nothing, but not out.
    return new Refusal(relative.up > within.minDepth ? 'playlist_outside' : 'playlist_invalid')
  }
  const part = partAt(path, context)
  if (part === undefined) return new Refusal('playlist_outside')
  const [written = '', query] = template.split('?')
  // What precedes the part must be written out: filled in from a template, it could name another recording.
  const before = path.slice(0, -part.length)
  const prefix = written.startsWith('/') ? before : `${context.origin}${before}`
  if (within.only === undefined || !written.startsWith(prefix)) return new Refusal('playlist_invalid')
  const relative = relativePath(written.slice(prefix.length), within.only)
  return query === undefined ? relative : `${relative}?${query}`
}

/** A `BaseURL` as it is written, and the folders that it resolves to. */
export interface RelativeBase {
  readonly written: string
  readonly folders: Folders
}

/** Does the same as `relativeReference` for a `BaseURL`, which may also name a folder. */
export function relativeBase(
  reference: string,
  within: Folders,
  context: PlaylistContext,
): RelativeBase | Refusal {
  const parsed = parseReference(reference, context)
  if (parsed instanceof Refusal) return parsed
  const { path, query } = parsed
  if (path.startsWith('/')) {
    // A folder has no name of its own, so it is found through a file in it.
    const file = path.endsWith('/') ? 'x' : ''
    const part = partAt(path + file, context)
    if (part === undefined) return new Refusal('playlist_outside')
    if (within.only === undefined) return new Refusal('playlist_invalid')
    const relative = relativePath(part, within.only)
    const written = file === '' ? relative : relative.slice(0, -file.length) || './'
    return { written: written + query, folders: folderOf(part) }
  }
  const relative = parseRelativePath(path)
  if (!staysInside(relative, within))
    return new Refusal(relative.up > within.minDepth ? 'playlist_outside' : 'playlist_invalid')
  return { written: withoutScheme(reference), folders: foldersAt(relative, within) }
}

interface ParsedReference {
  /** Absolute at the gate's own origin, or relative. */
  readonly path: string
  /** With its `?`. */
  readonly query: string
}

function parseReference(reference: string, { origin }: PlaylistContext): ParsedReference | Refusal {
  const isOwn = origin !== undefined && reference.startsWith(`${origin}/`)
  if (!isOwn && (SCHEME.test(reference) || reference.startsWith('//'))) return new Refusal('playlist_outside')
  const [, target, query = ''] = (reference.length <= MAX_REFERENCE && PLAIN.exec(reference)) || []
  if (target === undefined || TOKEN_IN_QUERY.test(query)) return new Refusal('playlist_invalid')
  return { path: isOwn ? target.slice(origin.length) : target, query }
}

/** Returns the part that an absolute path names; undefined if it names anything else. */
function partAt(path: string, { partOf }: PlaylistContext): string | undefined {
  // Runtimes differ in whether they resolve dot segments, so the path that was checked might not be the one requested.
  const part = DOT_SEGMENT.test(path) ? undefined : partOf(path)
  return part !== undefined && isPart(part) && path.endsWith(`/${part}`) ? part : undefined
}
