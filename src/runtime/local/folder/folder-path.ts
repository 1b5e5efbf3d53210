import { join } from 'node:path'

/** How the file with the facts of an object ends. */
export const FACTS = '@facts.json'

/** Where an object of a folder store is kept. */
export interface FolderPath {
  /** The folder of its files, and the folders above it up to the root, outermost first. */
  readonly folders: readonly string[]
  readonly folder: string
  /** The file of its facts. Its being there is what makes the object be there. */
  readonly facts: string
  /** The file of the bytes of one version. */
  readonly bytes: (version: string) => string
}

/** What a segment of a key may be. It holds no `@`, which sets our own names apart from folders of the same name. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,120}$/

/** Whether a key is a plain path. */
export function isFolderKey(key: string): boolean {
  return key.split('/').every(segment => SEGMENT.test(segment))
}

/**
 * Finds the files for a key. The gate hands on only keys that it has checked; here they are checked for whoever else
 * calls, since a key that is no plain path could lead out of the folder.
 *
 * @param root absolute, with no symbolic link in it
 * @throws Error where the key is no plain path below the root; the key isn't repeated
 */
export function folderPath(root: string, key: string): FolderPath {
  const segments = key.split('/')
  const name = segments.pop() ?? ''
  if (!isFolderKey(key)) {
    throw new Error(
      'a key of the folder store must be plain segments of letters, digits and "._~-", with "/" between',
    )
  }
  const folders = [root, ...segments.map((_, last) => join(root, ...segments.slice(0, last + 1)))]
  const folder = folders.at(-1) ?? root
  return {
    folders,
    folder,
    facts: join(folder, name + FACTS),
    bytes: version => join(folder, `${name}@${version}`),
  }
}
