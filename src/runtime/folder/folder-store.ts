import { mkdirSync, realpathSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { logToOperator } from '../../base/operator.ts'
import { StorageFault } from '../../base/storage-fault.ts'
import { servedRange } from '../../http/byte-range.ts'
import { findStamp } from '../../recordings/find-stamp.ts'
import { type Ownership, PROBE_KEY, RESERVED_PREFIX } from '../../recordings/recording.ts'
import {
  BytesUnavailable,
  DamagedPart,
  type OpenedPart,
  type PutOptions,
  type RecordingStore,
  type RequestedRange,
  type StoredPart,
} from '../../recordings/recording-store.ts'
import { anyKeyBelow } from './any-key-below.ts'
import { discard, writeDurably } from './durable-file.ts'
import { fileBody } from './file-body.ts'
import { FolderObjects, newId } from './folder-objects.ts'
import { isFolderKey } from './folder-path.ts'
import { FolderUploads } from './folder-uploads.ts'
import { partOf } from './stored-facts.ts'

/** How often a part is opened again that was replaced between the reading of its facts and of its bytes. */
const OPENINGS = 5

/**
 * Creates a store of recordings in a folder on disk. {@link FolderObjects} says which files there are.
 *
 * Symbolic links below the root are not followed. Only one process at a time may store: `lockDataFolder` ensures it.
 *
 * @param folder is created if it doesn't exist
 */
export function createFolderStore(folder: string, now: () => number = Date.now): RecordingStore {
  const incoming = join(folder, RESERVED_PREFIX, 'uploads')
  // What an earlier run left unfinished was never reported as stored.
  rmSync(incoming, { recursive: true, force: true })
  mkdirSync(incoming, { recursive: true, mode: 0o700 })
  const root = realpathSync(folder)
  if (ignoresCase(root)) {
    logToOperator(
      'the disk of the recordings ignores case: if two names differ in nothing else, the second is not stored (409)',
    )
  }
  return new FolderStore(root, now)
}

class FolderStore implements RecordingStore {
  readonly givesFacts = 'always'
  readonly #root: string
  readonly #objects: FolderObjects
  readonly uploads: FolderUploads

  constructor(root: string, now: () => number) {
    this.#root = root
    this.#objects = new FolderObjects(root, join(root, RESERVED_PREFIX, 'uploads'), now)
    this.uploads = new FolderUploads(join(root, RESERVED_PREFIX, 'in-pieces'), this.#objects, now)
  }

  async find(key: string): Promise<StoredPart | DamagedPart | null> {
    const facts = this.#objects.factsAt(this.#objects.pathOf(key))
    return facts === null || facts instanceof DamagedPart ? facts : partOf(facts)
  }

  async open(key: string, range?: RequestedRange): Promise<OpenedPart | null> {
    const path = this.#objects.pathOf(key)
    let part: StoredPart | undefined
    for (let opening = 0; opening < OPENINGS; opening++) {
      const facts = this.#objects.factsAt(path)
      if (facts === null) return null
      if (facts instanceof DamagedPart) throw new BytesUnavailable(facts.fault, facts)
      part = partOf(facts)
      const served = servedRange(range, facts.size)
      if (served === undefined) throw new BytesUnavailable(undefined, part)
      if (served.length === 0) return { ...part, range: served, body: new Blob([]).stream() }
      const file = unlessDamaged(part, () => this.#objects.openBytes(path, facts))
      if (file !== null) return { ...part, range: served, ...fileBody(file, served) }
    }
    const fault = new StorageFault('the bytes of a recording are missing beside its facts: restore them')
    throw new BytesUnavailable(fault, part)
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array> | null,
    options: PutOptions,
  ): Promise<StoredPart | null> {
    // Refuses a bad key before any byte is written.
    this.#objects.pathOf(key)
    const version = newId()
    const staged = this.#objects.incoming(version)
    const digest = await writeDurably(staged, body ?? [], options)
    try {
      return await this.#objects.publish(staged, key, { ...options, version, digest })
    } finally {
      await discard(staged)
    }
  }

  stampBelow(prefix: string): Promise<Ownership | null> {
    return findStamp(this, prefix, { keyBelow: below => anyKeyBelow(this.#root, below), isKey: isFolderKey })
  }

  async removeProbe(): Promise<boolean> {
    await this.#objects.remove(PROBE_KEY)
    return true
  }
}

/** Reports any failure to open the bytes of an object as `BytesUnavailable`: its facts were read. */
function unlessDamaged<File>(part: StoredPart, open: () => File): File {
  try {
    return open()
  } catch (fault) {
    throw new BytesUnavailable(fault, part)
  }
}

/** Whether the disk finds our own folder under its name in upper case, too. */
function ignoresCase(root: string): boolean {
  const ours = statSync(join(root, RESERVED_PREFIX))
  const other = statSync(join(root, RESERVED_PREFIX.toUpperCase()), { throwIfNoEntry: false })
  return other?.ino === ours.ino && other.dev === ours.dev
}
