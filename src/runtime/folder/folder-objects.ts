import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { lstat, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StorageFault } from '../../base/storage-fault.ts'
import { DamagedPart, NameTaken, type PutOptions, type StoredPart } from '../../recordings/recording-store.ts'
import { UploadUnknown } from '../../recordings/uploads.ts'
import { diskFailed, isAbsent, systemCode } from './disk-fault.ts'
import { discard, replaceDurably, syncFolder, writeTextDurably } from './durable-file.ts'
import { FactsFiles } from './facts-file.ts'
import { type FolderPath, folderPath } from './folder-path.ts'
import { createKeyedLock } from './keyed-lock.ts'
import { type OpenFile, OpenFiles } from './open-files.ts'
import { refuseLinks } from './regular-file.ts'
import { partOf, type StoredFacts, writeFacts } from './stored-facts.ts'

/** A version of an object that is to be published. */
export interface NewVersion extends PutOptions {
  /** 32 hexadecimal digits. */
  readonly version: string
  /** Follows from the bytes alone. The entity tag is made of it. */
  readonly digest: string
}

/** How many folders are remembered as durable. */
const MAX_DURABLE = 10_000

/**
 * The objects below a root. Each has two files: `NAME@VERSION` holds its bytes; `NAME@facts.json` holds its facts, and
 * names the version that is in force. The facts file is replaced in one step. So a reader gets the facts and the bytes
 * of one version, and after a crash the old version or the new one is there, whole.
 */
export class FolderObjects {
  readonly #root: string
  readonly #incoming: string
  readonly #now: () => number
  readonly #lock = createKeyedLock()
  readonly #files = new OpenFiles()
  readonly #facts: FactsFiles
  /** Folders that are known to be durable. */
  readonly #durable = new Set<string>()

  /** @param incoming a folder on the same disk for unfinished files; emptied when the process starts */
  constructor(root: string, incoming: string, now: () => number) {
    this.#root = root
    this.#incoming = incoming
    this.#now = now
    this.#facts = new FactsFiles(root)
  }

  /** Returns the path of an unfinished file. */
  incoming(name: string): string {
    return join(this.#incoming, name)
  }

  /** Returns the paths of the object with this key. */
  pathOf(key: string): FolderPath {
    return folderPath(this.#root, key)
  }

  /**
   * Reads the facts of an object. On a disk that ignores case the file may hold the facts of another key: then the
   * object is absent.
   */
  factsAt(path: FolderPath): StoredFacts | DamagedPart | null {
    const read = this.#facts.read(path.facts)
    return read === null || read instanceof DamagedPart || read.key === path.key ? read : null
  }

  /**
   * Opens the bytes that belong to these facts. Returns null if the file is missing, as it is after a replacement.
   *
   * @throws StorageFault if the file is damaged, or the disk fails
   */
  openBytes(path: FolderPath, { version, size }: StoredFacts): OpenFile | null {
    const file = this.#files.open(path.bytes(version))
    if (file === null || file.stats.size === size) return file
    file.forget()
    file.release()
    throw new StorageFault('the file of a recording is not as long as when it was stored: restore it')
  }

  /**
   * Reads the facts that a new version would replace.
   *
   * @throws StorageFault if they are damaged, NameTaken if they are another object's: neither may be overwritten
   */
  factsToReplace({ key, facts }: FolderPath): StoredFacts | null {
    const read = this.#facts.read(facts)
    if (read instanceof DamagedPart) throw read.fault
    if (read !== null && read.key !== key) throw new NameTaken()
    return read
  }

  /**
   * Publishes a durable file of bytes as the object's version in force, in one step. Resolves to null, and changes
   * nothing, if `replaces` doesn't hold.
   */
  publish(staged: string, key: string, made: NewVersion): Promise<StoredPart | null> {
    const path = this.pathOf(key)
    return this.#locked(key, async () => {
      this.#facts.forget(path.facts)
      const present = this.factsToReplace(path)
      // It was published before, and the process ended before the caller could learn of it, or before it was durable.
      if (present?.version === made.version) {
        await syncFolder(path.folder)
        return partOf(present)
      }
      if ((present?.etag ?? null) !== made.replaces) return null
      const facts = newFacts(key, made, this.#now())
      await this.#replaceVersion(staged, path, facts)
      if (present !== null) await this.#removeVersion(path, present.version)
      return partOf(facts)
    })
  }

  /** Removes the bytes of a version, unless it is in force. */
  withdraw(key: string, version: string): Promise<void> {
    const path = this.pathOf(key)
    return this.#locked(key, async () => {
      if (this.factsToReplace(path)?.version === version) return
      await rm(path.bytes(version), { force: true }).catch(diskFailed)
    })
  }

  /** Removes an object. Its facts go first: without them its bytes can't be reached. */
  remove(key: string): Promise<void> {
    const path = this.pathOf(key)
    return this.#locked(key, async () => {
      const present = this.factsToReplace(path)
      await rm(path.facts, { force: true }).catch(diskFailed)
      this.#facts.forget(path.facts)
      if (present !== null) await this.#removeVersion(path, present.version)
    })
  }

  /** Runs work alone under a key. On a disk that ignores case, keys that differ in nothing else share their files. */
  #locked<Value>(key: string, work: () => Promise<Value>): Promise<Value> {
    return this.#lock(key.toLowerCase(), work)
  }

  /** The order matters: the bytes have their name, durably, before the facts that name them do. */
  async #replaceVersion(staged: string, path: FolderPath, facts: StoredFacts): Promise<void> {
    const stagedFacts = this.incoming(`${facts.version}.json`)
    await this.#createFolders(path.folders)
    try {
      await writeTextDurably(stagedFacts, writeFacts(facts))
      await bringIn(staged, path.bytes(facts.version), path.folder)
      await replaceDurably(stagedFacts, path.facts, path.folder)
    } finally {
      // Also after a failure: the facts may have been renamed already.
      this.#facts.forget(path.facts)
      await discard(stagedFacts)
    }
  }

  /** Creates the folders of an object durably, one below the other. A link among them could lead out of the root. */
  async #createFolders([above = '', ...below]: readonly string[]): Promise<void> {
    const [folder] = below
    if (folder === undefined) return
    const isNew = createFolder(folder)
    // One that is there already may not be durable: another put, or an earlier run, may not have come that far.
    if (isNew || !this.#durable.has(folder)) await syncFolder(above)
    if (this.#durable.size >= MAX_DURABLE) this.#durable.clear()
    this.#durable.add(folder)
    await this.#createFolders(below)
  }

  /** Its readers have the file open, and keep it. */
  async #removeVersion(path: FolderPath, version: string): Promise<void> {
    this.#files.forget(path.bytes(version))
    await rm(path.bytes(version), { force: true }).catch(() => {})
  }
}

/** Creates a folder. Returns false if it exists already. */
function createFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o700 })
    return true
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') diskFailed(error)
    refuseLinks(folder)
    return false
  }
}

/** Returns a random name for a version, an upload or a file: 32 hexadecimal digits. */
export function newId(): string {
  return randomBytes(16).toString('hex')
}

function newFacts(
  key: string,
  { version, size, digest, contentType, ownership }: NewVersion,
  now: number,
): StoredFacts {
  const modified = Math.floor(now / 1000) * 1000
  // The digest depends on the bytes alone, so the tag is the same after a restart, a copy and a restore.
  return { key, version, size, etag: `"${digest.slice(0, 32)}"`, modified, contentType, ownership }
}

/** Gives a file of bytes its final name, durably. The process may have ended right after an earlier attempt did so. */
async function bringIn(staged: string, to: string, folder: string): Promise<void> {
  await rename(staged, to).catch(async (error: unknown) => {
    if (!isAbsent(error)) diskFailed(error)
    await lstat(to).catch((missing: unknown) => {
      if (isAbsent(missing)) throw new UploadUnknown()
      diskFailed(missing)
    })
  })
  await syncFolder(folder)
}
