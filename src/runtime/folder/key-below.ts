import { opendir } from 'node:fs/promises'
import { codeOf, diskFailed, isClosed, mayBeUsed } from './disk-fault.ts'
import { FACTS, folderPath, isFolderKey, segmentNamed } from './folder-path.ts'

interface Entry {
  readonly name: string
  readonly isFile: boolean
  readonly isFolder: boolean
}

/** What reads a folder on Deno, whose `opendir` reads all of it at once. */
const { Deno } = globalThis as {
  readonly Deno?: {
    readDir(
      path: string,
    ): AsyncIterable<Record<'isFile' | 'isDirectory', boolean> & { readonly name: string }>
  }
}

/**
 * One of the keys below a prefix that ends in `/`: the same one until something changes there. What it takes doesn't grow
 * with the number of keys. Else its time would tell a stranger that a recording of many parts is there, and such a
 * recording would hold everybody up.
 *
 * @returns undefined where there is none; one that no store can be asked for where the folder may not be read
 * @throws StorageFault where the disk fails
 */
export async function keyBelow(root: string, prefix: string): Promise<string | undefined> {
  const { folder } = folderPath(root, `${prefix}x`)
  try {
    for await (const { name, isFile, isFolder } of entriesOf(folder)) {
      const kept = isFile && name.endsWith(FACTS)
      const segment = segmentNamed(kept ? name.slice(0, -FACTS.length) : name)
      // What other programs keep there under names that no key has can't be asked for.
      if (!isFolderKey(segment) || !(kept || isFolder)) continue
      const key = kept ? prefix + segment : await keyBelow(root, `${prefix}${segment}/`)
      if (key !== undefined) return key
    }
  } catch (error) {
    // A folder that can't be read counts as a recording without an owner: a fault would tell that it is there.
    if (isClosed(error) && mayBeUsed(root)) return `${prefix}/`
    if (!['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) diskFailed(error)
  }
  return undefined
}

/** What is in a folder, read no further than it is asked for. */
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
