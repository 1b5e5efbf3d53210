import { closeSync, lstatSync, readFileSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import { StorageFault } from '../../../storage-fault.ts'
import { diskFailed } from './disk-fault.ts'
import { openRegular, refuseLinks } from './regular-file.ts'
import { readFacts, type StoredFacts } from './stored-facts.ts'

/** No facts are longer, in bytes. */
const MAX_FACTS = 16 * 1024
/** Most facts that are remembered: some hundred bytes each. */
const MOST_REMEMBERED = 10_000

/** Reads the facts of an object from their file; null where there is none. */
export type FactsReader = (path: string) => StoredFacts | null

/**
 * Makes a reader that remembers what it read, as long as the file is the same: a look at the file tells, and costs a
 * fraction of reading it.
 */
export function factsReader(): FactsReader {
  const remembered = new Map<string, { readonly stats: Stats; readonly facts: StoredFacts }>()
  return path => {
    const stats = look(path)
    if (stats === undefined) return null
    const known = remembered.get(path)
    if (known !== undefined && isSame(known.stats, stats)) return known.facts
    const read = load(path)
    if (read === null) return null
    if (remembered.size >= MOST_REMEMBERED) remembered.clear()
    remembered.set(path, read)
    return read.facts
  }
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    diskFailed(error)
  }
}

function isSame(a: Stats, b: Stats): boolean {
  return a.ino === b.ino && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.size === b.size
}

function load(path: string): { stats: Stats; facts: StoredFacts } | null {
  const file = openRegular(path)
  if (file === null) return null
  try {
    // Not a link on the way either: it could lead to facts that somebody else may write.
    refuseLinks(dirname(path))
    if (file.stats.size > MAX_FACTS)
      throw new StorageFault('the facts beside a recording are damaged: too long')
    return { stats: file.stats, facts: readFacts(readFileSync(file.descriptor, 'utf8')) }
  } finally {
    closeSync(file.descriptor)
  }
}
