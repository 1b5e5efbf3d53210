import { readdir } from 'node:fs/promises'
import { codeOf, diskFailed } from './disk-fault.ts'
import { FACTS, folderPath, isFolderKey, segmentNamed } from './folder-path.ts'

/**
 * The first of the keys below a prefix that ends in `/`, in the order in which a bucket would list them. Reads no more
 * folders than it must.
 *
 * @throws StorageFault where the disk fails
 */
export async function firstBelow(root: string, prefix: string): Promise<string | undefined> {
  const { folder } = folderPath(root, `${prefix}x`)
  const entries = await readdir(folder, { withFileTypes: true }).catch(error =>
    codeOf(error) === 'ENOENT' ? [] : diskFailed(error),
  )
  // A folder counts with the slash that its keys have, so that "a-b" comes before "a/b" here too.
  const names = entries.flatMap(entry => {
    const kept = entry.isFile() && entry.name.endsWith(FACTS)
    const segment = segmentNamed(kept ? entry.name.slice(0, -FACTS.length) : entry.name)
    // What other programs keep there under names that no key has can't be asked for.
    if (!isFolderKey(segment)) return []
    if (entry.isDirectory()) return [`${segment}/`]
    return kept ? [segment] : []
  })
  for (const name of names.sort()) {
    if (!name.endsWith('/')) return prefix + name
    const key = await firstBelow(root, `${prefix}${name}`)
    if (key !== undefined) return key
  }
  return undefined
}
