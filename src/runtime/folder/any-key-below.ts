import { opendir } from 'node:fs/promises'
import { diskFailed, isAbsent, isForbidden, mayBeUsed } from './disk-fault.ts'
import { FACTS, folderPath, isFolderKey, segmentOfName } from './folder-path.ts'

interface Entry {
  readonly name: string
  readonly isFile: boolean
  readonly isFolder: boolean
}

/** Deno's own way to read a folder. Its `opendir` reads all entries at once. */
const { Deno } = globalThis as {
  readonly Deno?: {
    readDir(
      path: string,
    ): AsyncIterable<Record<'isFile' | 'isDirectory', boolean> & { readonly name: string }>
  }
}

/**
 * Returns one of the keys below a prefix that ends in `/`: the same key until something changes below the prefix. The
 * time it takes doesn't grow with the number of keys. Otherwise the time would reveal to a stranger that a recording
 * of many parts exists, and such a recording would hold up all other requests.
 *
 * @returns undefined if there is no key; a key that no store accepts if this user may not read the folder
 * @throws StorageFault if the disk fails
 */
export async function anyKeyBelow(root: string, prefix: string): Promise<string | undefined> {
  const { folder } = folderPath(root, `${prefix}x`)
  try {
    for await (const { name, isFile, isFolder } of entriesOf(folder)) {
      const isObject = isFile && name.endsWith(FACTS)
      const segment = segmentOfName(isObject ? name.slice(0, -FACTS.length) : name)
      // Other programs may keep files here under names that are not keys.
      if (!isFolderKey(segment) || !(isObject || isFolder)) continue
      const key = isObject ? prefix + segment : await anyKeyBelow(root, `${prefix}${segment}/`)
      if (key !== undefined) return key
    }
  } catch (error) {
    // A folder that can't be read counts as a recording without an owner: a fault would reveal that it exists.
    if (isForbidden(error) && mayBeUsed(root)) return `${prefix}/`
    if (!isAbsent(error)) diskFailed(error)
  }
  return undefined
}

/** Yields the entries of a folder, and reads no further than the caller does. */
async function* entriesOf(folder: string): AsyncIterable<Entry> {
  if (Deno !== undefined) {
    for await (const { name, isFile, isDirectory } of Deno.readDir(folder)) {
      yield { name, isFile, isFolder: isDirectory }
    }
  } else {
    for await (const entry of await opendir(folder)) {
      yield { name: entry.name, isFile: entry.isFile(), isFolder: entry.isDirectory() }
    }
  }
}
