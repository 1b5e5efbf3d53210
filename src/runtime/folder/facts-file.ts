import { closeSync, lstatSync, readFileSync, type Stats } from 'node:fs'
import { dirname } from 'node:path'
import { StorageFault } from '../../base/storage-fault.ts'
import { DamagedPart } from '../../recordings/recording-store.ts'
import { diskFailed, isForbidden, mayBeUsed } from './disk-fault.ts'
import { openRegular, refuseLinks } from './regular-file.ts'
import { readFacts, type StoredFacts } from './stored-facts.ts'

/** The longest facts that are read, in bytes. */
const MAX_FACTS = 16 * 1024
/** How many facts the cache holds, of some hundred bytes each. */
const CAPACITY = 10_000

/**
 * How long a cached file isn't checked again, in milliseconds. Players ask for one part of a recording after the other,
 * and a check for each took a sixth of the time of a request. Changes by other programs are seen this much later.
 */
const CHECK_INTERVAL = 10

interface CachedFacts {
  readonly stats: Stats
  readonly facts: StoredFacts
  checkedAt: number
}

/** Reads facts files, and caches them as long as they stay the same: a check costs a fraction of reading. */
export class FactsFiles {
  readonly #root: string
  readonly #cache = new Map<string, CachedFacts>()

  /** @param root the folder of the recordings */
  constructor(root: string) {
    this.#root = root
  }

  /**
   * Returns the facts in a file, or null if there is no file. Damaged facts come as a part without an owner, which is
   * refused as if it were absent: a fault would reveal that it exists.
   */
  read(path: string): StoredFacts | DamagedPart | null {
    const cached = this.#cache.get(path)
    const now = performance.now()
    if (cached !== undefined) {
      if (now - cached.checkedAt < CHECK_INTERVAL) return cached.facts
      const stats = look(path)
      if (stats !== undefined && isSame(cached.stats, stats)) {
        cached.checkedAt = now
        return cached.facts
      }
      this.#cache.delete(path)
    }
    const read = load(path, this.#root)
    if (read === null || read instanceof DamagedPart) return read
    if (this.#cache.size >= CAPACITY) this.#cache.clear()
    this.#cache.set(path, { ...read, checkedAt: now })
    return read.facts
  }

  /** Drops a file from the cache. Must be called before and after a file is replaced. */
  forget(path: string): void {
    this.#cache.delete(path)
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
    return unopened(path, root, fault)
  }
  if (file === null) return null
  try {
    // A link on the way could lead to facts that another user may write.
    refuseLinks(dirname(path))
    if (file.stats.size > MAX_FACTS) {
      throw new StorageFault('the facts beside a recording are damaged: too long')
    }
    return { stats: file.stats, facts: readFacts(readFileSync(file.descriptor, 'utf8')) }
  } catch (fault) {
    return new DamagedPart(fault)
  } finally {
    closeSync(file.descriptor)
  }
}

/**
 * Returns what is known of facts that can't be opened. If no file can be opened (EMFILE), cached facts are still found,
 * and refused to a stranger as if they were absent. So what is absent must be found absent as well, which takes no
 * descriptor; and what is there, but isn't cached, must be refused alike.
 *
 * @throws the given fault if absent files can't be looked at either: then it reveals nothing
 */
function unopened(path: string, root: string, fault: unknown): DamagedPart | null {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined ? null : new DamagedPart(fault)
  } catch (error) {
    if (isForbidden(error) && mayBeUsed(root)) return new DamagedPart(fault)
    throw fault
  }
}
