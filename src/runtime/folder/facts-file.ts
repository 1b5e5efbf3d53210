import { accessSync, closeSync, constants, lstatSync, readFileSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import { StorageFault } from '../../base/storage-fault.ts'
import type { DamagedPart } from '../../recordings/recording-store.ts'
import { diskFailed, isClosed, mayBeUsed } from './disk-fault.ts'
import { openRegular, refuseLinks } from './regular-file.ts'
import { readFacts, type StoredFacts } from './stored-facts.ts'

/** No facts are longer, in bytes. */
const MAX_FACTS = 16 * 1024
/** Most facts that are remembered: some hundred bytes each. */
const MOST_REMEMBERED = 10_000

/**
 * For how long a look at a file is good, in milliseconds. Players ask for one part of a recording after the other, and
 * looking anew for each of them took a sixth of the time of a request; what other hands do in the folder is seen so
 * much later.
 */
const LOOK_GOOD_FOR = 10

/** Reads the facts of objects from their files. */
export interface FactsFiles {
  /** The facts in a file; null where there is none. Whose an object with damaged facts is can't be said. */
  read(path: string): StoredFacts | DamagedPart | null
  /** To be called where a file is about to be replaced, or was: what is known of it counts no more. */
  forget(path: string): void
}

interface LruCache {
  readonly stats: Stats
  readonly facts: StoredFacts
  lookedAt: number
}

/**
 * Remembers what was read, as long as the file is the same: a look at it costs a fraction of reading it.
 *
 * @param root of the recordings
 */
export function factsFiles(root: string): FactsFiles {
  const remembered = new Map<string, LruCache>()
  return {
    read(path) {
      const known = remembered.get(path)
      const now = performance.now()
      if (known !== undefined) {
        if (now - known.lookedAt < LOOK_GOOD_FOR) return known.facts
        const stats = look(path)
        if (stats !== undefined && isSame(known.stats, stats)) {
          known.lookedAt = now
          return known.facts
        }
        remembered.delete(path)
      }
      const read = load(path, root)
      if (read === null || 'fault' in read) return read
      if (remembered.size >= MOST_REMEMBERED) remembered.clear()
      remembered.set(path, { ...read, lookedAt: now })
      return read.facts
    },

    forget(path) {
      remembered.delete(path)
    },
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

function load(path: string, root: string): { stats: Stats; facts: StoredFacts } | DamagedPart | null {
  let file: ReturnType<typeof openRegular>
  try {
    file = openRegular(path)
  } catch (fault) {
    if (isAtFault(path, root)) return damagedBy(fault)
    throw fault
  }
  if (file === null) return null
  try {
    // Not a link on the way either: it could lead to facts that somebody else may write.
    refuseLinks(dirname(path))
    if (file.stats.size > MAX_FACTS)
      throw new StorageFault('the facts beside a recording are damaged: too long')
    return { stats: file.stats, facts: readFacts(readFileSync(file.descriptor, 'utf8')) }
  } catch (fault) {
    return damagedBy(fault)
  } finally {
    closeSync(file.descriptor)
  }
}

/** A fault would tell that the recording is there: without an owner it is refused as if it weren't. */
function damagedBy(fault: unknown): DamagedPart {
  return { binding: {}, fault }
}

/**
 * Whether it is this one file that can't be read, or a folder that it is in. If the disk or the process fails, it fails
 * for absent files too.
 */
function isAtFault(path: string, root: string): boolean {
  try {
    if (!lstatSync(path).isFile()) return true
  } catch (error) {
    return isClosed(error) && mayBeUsed(root)
  }
  try {
    accessSync(path, constants.R_OK)
    return false
  } catch {
    return true
  }
}
