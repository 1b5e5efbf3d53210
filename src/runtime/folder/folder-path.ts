import { join } from 'node:path'

/** The end of the name of every facts file. */
export const FACTS = '@facts.json'

/** The paths of one object of a folder store. */
export interface FolderPath {
  readonly key: string
  /** The folders from the root to `folder`, outermost first. */
  readonly folders: readonly string[]
  /** The folder that holds the object's files. */
  readonly folder: string
  /** The file of its facts. The object exists if and only if this file exists. */
  readonly facts: string
  /** Returns the file that holds the bytes of one version. */
  readonly bytes: (version: string) => string
}

/** A segment of a key. With the gate's longest suffix after it, a file name has 255 bytes. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._~=+:@-]{1,222}$/

/**
 * Returns the name on disk of a segment of a key. `@` begins our own suffixes, so `%` replaces it; `;` replaces `:`,
 * after which NTFS expects the name of a stream. No key holds either of the two.
 */
export const nameOnDisk = (segment: string): string => segment.replaceAll('@', '%').replaceAll(':', ';')

/** Returns the segment of a key that has this name on disk. */
export const segmentOfName = (name: string): string => name.replaceAll('%', '@').replaceAll(';', ':')

/** Whether the folder store takes a key: a relative path of plain segments. */
export function isFolderKey(key: string): boolean {
  return key.split('/').every(segment => SEGMENT.test(segment))
}

/**
 * Returns the paths of the object with this key. The gate passes only keys that it has checked. The check here protects
 * other callers, since a key with dot segments could lead out of the folder.
 *
 * @param root an absolute path without symbolic links
 * @throws Error if the key is not a plain path below the root; the message doesn't repeat the key
 */
export function folderPath(root: string, key: string): FolderPath {
  const segments = key.split('/')
  const name = segments.pop() ?? ''
  if (!isFolderKey(key)) {
    throw new Error(
      'a key of the folder store must be plain segments of letters, digits and "._~=+:@-", with "/" between',
    )
  }
  const names = segments.map(nameOnDisk)
  const folders = [root, ...names.map((_, last) => join(root, ...names.slice(0, last + 1)))]
  const folder = folders.at(-1) ?? root
  const file = nameOnDisk(name)
  return {
    key,
    folders,
    folder,
    facts: join(folder, file + FACTS),
    bytes: version => join(folder, `${file}@${version}`),
  }
}
