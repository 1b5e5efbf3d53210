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

/** What a segment of a key may be. With the longest name of ours after it, a file name has 255 bytes. */
const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._~=+:@-]{1,222}$/

/**
 * The name on disk of a segment of a key, and the segment of a name. `@` sets our own names apart from folders of the same
 * name, so another character stands for it that no key has; and one for `:`, after which NTFS looks for a stream.
 */
export const nameOnDisk = (segment: string): string => segment.replaceAll('@', '%').replaceAll(':', ';')
export const segmentNamed = (name: string): string => name.replaceAll('%', '@').replaceAll(';', ':')

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
      'a key of the folder store must be plain segments of letters, digits and "._~=+:@-", with "/" between',
    )
  }
  const names = segments.map(nameOnDisk)
  const folders = [root, ...names.map((_, last) => join(root, ...names.slice(0, last + 1)))]
  const folder = folders.at(-1) ?? root
  const file = nameOnDisk(name)
  return {
    folders,
    folder,
    facts: join(folder, file + FACTS),
    bytes: version => join(folder, `${file}@${version}`),
  }
}
