import { isPart } from '../locate/names.ts'
import { Refusal } from '../refusal.ts'
import { kindOfName, type PlaylistKind } from './kind.ts'

/** Where a playlist stands. */
export interface PlaylistContext {
  /** The gate's own origin. Absolute URLs of it may name parts of the recording; undefined if none may. */
  readonly origin: string | undefined
  /** Its own name within its recording; undefined where the recording is one object, and has no other parts. */
  readonly part: string | undefined
  /** What its kind can be told by, beside its media type: its own name, or that of its object. */
  readonly name: string
  /** The part of this very recording that an absolute path of this origin names; undefined if it names no such. */
  readonly partOf: (path: string) => string | undefined
}

/**
 * The folders of a recording that a reference may be resolved in. In HLS that is the playlist's own; in DASH there can
 * be many, as `BaseURL` has alternatives and is inherited. How deep they are is enough to tell whether a relative
 * reference stays inside, whichever of them it is resolved in.
 */
export interface Folders {
  /** How many segments the least deep of them has, and the deepest. */
  readonly least: number
  readonly most: number
  /** Their one name, in segments; undefined where there are several, so that no absolute URL can be made relative. */
  readonly only: readonly string[] | undefined
}

/** The folder that a playlist stands in; undefined where the recording has no parts. */
export function folderOf({ part }: PlaylistContext): Folders | undefined {
  return part === undefined ? undefined : oneFolder(part.split('/').slice(0, -1))
}

/** A single folder. */
export function oneFolder(only: readonly string[]): Folders {
  return { least: only.length, most: only.length, only }
}

/** Longest reference that is looked at, in characters. No path that the gate serves is nearly as long. */
export const MAX_REFERENCE: number = 2048

const SCHEME = /^[A-Za-z][A-Za-z0-9+.-]*:/
// Nothing is ever decoded: `%`, `\`, `;`, white space, `{$name}`, a fragment and letters beyond ASCII mean different
// things to different players, so no reference holds any. A query leads nowhere else, and stays where it is plain.
const PLAIN = /^([A-Za-z0-9._~=+:@/-]+)(\?[A-Za-z0-9._=&-]*)?$/
// The gate refuses a request with a token in its query; and one in a stored file is anybody's.
const TOKEN_IN_QUERY = /[?&]access_token(?:[=&]|$)/i
const DOT_SEGMENT = /(?:^|\/)\.{1,2}(?:\/|$)/

/**
 * What to write for a reference so that it leads, relatively, to a part of the same recording: itself where it does
 * already, and the way there where it is an absolute path or an absolute URL of this origin.
 *
 * @param within the folders that it may be resolved in; undefined where the recording has no parts
 * @param template what is written there, where that is a template and `reference` an example of what it becomes
 * @returns refused as `playlist_outside` where it leads out, or first out and then in again: what is above the
 * recording is not the same everywhere, and above a ticket it is gone
 */
export function relativeReference(
  reference: string,
  withTimeout: Folders | undefined,
  context: PlaylistContext,
  template: string = reference,
): string | Refusal {
  // Nearly every reference of a real playlist.
  const isName = !reference.startsWith('/') && !reference.includes(':')
  if (withTimeout !== undefined && isName && isPart(`${'x/'.repeat(withTimeout.most)}${reference}`))
    return template
  const taken = takeApart(reference, withTimeout, context)
  if (taken instanceof Refusal) return taken
  const { path, folders } = taken
  if (!path.startsWith('/')) {
    const steps = stepsOf(path)
    if (!steps.toFolder && staysInside(steps, folders)) return schemeless(template)
    // A name that no part has leads to nothing, but not out.
    return new Refusal(steps.up > folders.least ? 'playlist_outside' : 'playlist_invalid')
  }
  const named = partNamed(path, context)
  if (named === undefined) return new Refusal('playlist_outside')
  const [written = '', query] = template.split('?')
  // What stands before the part is no part of it, and must be there whatever a template becomes.
  const before = path.slice(0, -named.length)
  const prefix = written.startsWith('/') ? before : `${context.origin}${before}`
  if (folders.only === undefined || !written.startsWith(prefix)) return new Refusal('playlist_invalid')
  const way = wayTo(written.slice(prefix.length), folders.only)
  return query === undefined ? way : `${way}?${query}`
}

/**
 * Whether the gate takes what a reference names for a playlist of a kind by its ending. Without an ending only the first
 * bytes tell, and players read more for a playlist than any look at first bytes finds: UTF-16, or text before `<MPD`. With
 * that of another kind it would be looked at as what the player doesn't read it as.
 */
export function namesPlaylist(reference: string, kind: PlaylistKind): boolean {
  const [name = ''] = reference.split('?')
  return kindOfName(name) === kind
}

/**
 * As `relativeReference`, for a reference that others are resolved against (`BaseURL`): it may name a folder, too.
 *
 * @returns also the folders that those are resolved in
 */
export function relativeBase(
  reference: string,
  withTimeout: Folders,
  context: PlaylistContext,
): { readonly written: string; readonly folders: Folders } | Refusal {
  const taken = takeApart(reference, withTimeout, context)
  if (taken instanceof Refusal) return taken
  const { path, query } = taken
  if (path.startsWith('/')) {
    // A folder has no name of its own, so it is found by what would stand in it.
    const leaf = path.endsWith('/') ? 'x' : ''
    const named = partNamed(path + leaf, context)
    if (named === undefined) return new Refusal('playlist_outside')
    if (withTimeout.only === undefined) return new Refusal('playlist_invalid')
    const way = wayTo(named, withTimeout.only)
    const written = leaf === '' ? way : way.slice(0, -leaf.length) || './'
    return { written: written + query, folders: oneFolder(named.split('/').slice(0, -1)) }
  }
  const { up, down, toFolder } = stepsOf(path)
  if (!staysInside({ up, down: toFolder ? [...down, 'x'] : down }, withTimeout))
    return new Refusal(up > withTimeout.least ? 'playlist_outside' : 'playlist_invalid')
  const below = toFolder ? down : down.slice(0, -1)
  const { least, most, only } = withTimeout
  return {
    written: schemeless(reference),
    folders: {
      least: least - up + below.length,
      most: most - up + below.length,
      only: only && [...only.slice(0, only.length - up), ...below],
    },
  }
}

/** The folders of both. */
export function mergeFolders(one: Folders, other: Folders): Folders {
  const same = one.only !== undefined && one.only.join('/') === other.only?.join('/')
  return {
    least: Math.min(one.least, other.least),
    most: Math.max(one.most, other.most),
    only: same ? one.only : undefined,
  }
}

interface Taken {
  readonly folders: Folders
  /** Absolute, of this origin, or relative. */
  readonly path: string
  /** With its `?`. */
  readonly query: string
}

function takeApart(
  reference: string,
  folders: Folders | undefined,
  { origin }: PlaylistContext,
): Taken | Refusal {
  const own = origin !== undefined && reference.startsWith(`${origin}/`)
  if (!own && (SCHEME.test(reference) || reference.startsWith('//'))) return new Refusal('playlist_outside')
  if (folders === undefined) return new Refusal('playlist_outside')
  const [, target, query = ''] = (reference.length <= MAX_REFERENCE && PLAIN.exec(reference)) || []
  if (target === undefined || (query !== '' && TOKEN_IN_QUERY.test(query)))
    return new Refusal('playlist_invalid')
  return { folders, path: own ? target.slice(origin.length) : target, query }
}

/** The part that an absolute path names. */
function partNamed(path: string, { partOf }: PlaylistContext): string | undefined {
  // Runtimes differ in whether they resolve dot segments, so that what was looked at might not be what is asked for.
  const named = DOT_SEGMENT.test(path) ? undefined : partOf(path)
  return named !== undefined && isPart(named) && path.endsWith(`/${named}`) ? named : undefined
}

/** A relative path, resolved as far as it can be without knowing where it starts from. */
interface Steps {
  /** How many folders it goes up first. */
  readonly up: number
  readonly down: readonly string[]
  /** Whether it ends in a folder, and names no file there. */
  readonly toFolder: boolean
}

function stepsOf(path: string): Steps {
  const segments = path.split('/')
  const last = segments.at(-1) ?? ''
  const toFolder = last === '' || last === '.' || last === '..'
  if (last === '') segments.pop()
  const down: string[] = []
  let up = 0
  for (const segment of segments) {
    if (segment === '..') {
      if (down.pop() === undefined) up += 1
    } else if (segment !== '.') down.push(segment)
  }
  return { up, down, toFolder }
}

function staysInside({ up, down }: Pick<Steps, 'up' | 'down'>, { least, most }: Folders): boolean {
  return up <= least && isPart(`${'x/'.repeat(most - up)}${down.join('/')}`)
}

function wayTo(part: string, folder: readonly string[]): string {
  if (folder.length === 0) return schemeless(part)
  const named = part.split('/')
  let shared = 0
  while (shared < folder.length && shared < named.length - 1 && folder[shared] === named[shared]) shared += 1
  return schemeless('../'.repeat(folder.length - shared) + named.slice(shared).join('/'))
}

/** RFC 3986 4.2: a colon in the first segment of a relative path would make a scheme of what is before it. */
function schemeless(path: string): string {
  return /^[^/]*:/.test(path) ? `./${path}` : path
}
