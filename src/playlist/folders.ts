import { isPart } from '../locate/names.ts'

/**
 * The folders of a recording that a reference may be resolved against. HLS has one: the playlist's own. DASH can have
 * many, as a `BaseURL` has alternatives and is inherited. Their depths are enough to decide if a relative reference stays
 * inside the recording, whichever of them a player resolves it against.
 */
export interface Folders {
  /** Number of segments of the least deep folder. */
  readonly minDepth: number
  /** Number of segments of the deepest folder. */
  readonly maxDepth: number
  /** The segments of the only folder; undefined if there are several, so that no absolute URL can be made relative. */
  readonly only: readonly string[] | undefined
}

/** Returns the folder that a part is in. */
export function folderOf(part: string): Folders {
  const only = part.split('/').slice(0, -1)
  return { minDepth: only.length, maxDepth: only.length, only }
}

/** Returns the union of two sets of folders. */
export function mergeFolders(one: Folders, other: Folders): Folders {
  const isSame = one.only !== undefined && one.only.join('/') === other.only?.join('/')
  return {
    minDepth: Math.min(one.minDepth, other.minDepth),
    maxDepth: Math.max(one.maxDepth, other.maxDepth),
    only: isSame ? one.only : undefined,
  }
}

/** A relative path, resolved as far as it can be without knowing the folder it starts from. */
export interface RelativePath {
  /** How many folders it goes up first. */
  readonly up: number
  /** The segments that it then goes down. */
  readonly down: readonly string[]
  /** Whether it names a folder, and no file in it. */
  readonly isFolder: boolean
}

/** Removes the dot segments of a relative path (RFC 3986 5.2.4). */
export function parseRelativePath(path: string): RelativePath {
  const segments = path.split('/')
  const last = segments.at(-1) ?? ''
  const isFolder = last === '' || last === '.' || last === '..'
  if (last === '') segments.pop()
  const down: string[] = []
  let up = 0
  for (const segment of segments) {
    if (segment === '..') {
      if (down.pop() === undefined) up += 1
    } else if (segment !== '.') down.push(segment)
  }
  return { up, down, isFolder }
}

/** Checks if a path leads to a part of the recording from each of the folders. Of a folder, a file in it is checked. */
export function staysInside({ up, down, isFolder }: RelativePath, { minDepth, maxDepth }: Folders): boolean {
  const file = isFolder ? [...down, 'x'] : down
  return up <= minDepth && isPart('x/'.repeat(maxDepth - up) + file.join('/'))
}

/** Returns the folders that a path leads to from each of the folders, or the folders of the files it leads to. */
export function foldersAt(
  { up, down, isFolder }: RelativePath,
  { minDepth, maxDepth, only }: Folders,
): Folders {
  const below = isFolder ? down : down.slice(0, -1)
  return {
    minDepth: minDepth - up + below.length,
    maxDepth: maxDepth - up + below.length,
    only: only && [...only.slice(0, only.length - up), ...below],
  }
}

/** Returns the relative path from a folder to a part of the same recording. */
export function relativePath(part: string, folder: readonly string[]): string {
  // The most common case, and the costliest playlists consist of it.
  if (folder.length === 0) return withoutScheme(part)
  const segments = part.split('/')
  let shared = 0
  while (shared < segments.length - 1 && folder[shared] === segments[shared]) shared += 1
  return withoutScheme('../'.repeat(folder.length - shared) + segments.slice(shared).join('/'))
}

/** Prevents a colon in the first segment of a relative path from making a scheme of what precedes it (RFC 3986 4.2). */
export function withoutScheme(path: string): string {
  return /^[^/]*:/.test(path) ? `./${path}` : path
}
